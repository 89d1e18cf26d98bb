/** A guest with a session of their own, who is not put off by an app that dies: every request is repeated until it is answered. */
import { readEvents, type ReadEvent } from "../support/run-client.ts";
import { sessionOf } from "../support/secret-lines.ts";
import { sseEvents } from "../support/sse.ts";
import type { WorkerdApp } from "./workerd-app.ts";

export interface Guest {
  /** Orders a dinner once, however often the request has to be sent. @returns the id of its run. */
  order(key: string, dinner: unknown): Promise<string>;
  /** Asks an agent once, however often the request has to be sent. @returns the id of its run. */
  ask(key: string, goal: string): Promise<string>;
  /** Says yes or no, once. */
  answer(runId: string, confirmed: boolean): Promise<void>;
  /** Lets a parked run go on. */
  resume(runId: string): Promise<void>;
  /** Lets a step of an agent's plan be done. */
  approve(runId: string, stepId: string): Promise<void>;
  /**
   * Reads the run's events from the first to the last, through all connections that it takes.
   * @param onEvent is told of each as it comes.
   */
  follow(runId: string, onEvent: (event: ReadEvent) => void): Promise<ReadEvent[]>;
  /** All events of a run that is over, in one go. */
  replay(runId: string): Promise<ReadEvent[]>;
}

export async function createGuest(app: WorkerdApp): Promise<Guest> {
  const opened = await fetch(`${app.url}/api/sessions`, { method: "POST" });
  const cookie = opened.headers.getSetCookie()[0]!.split(";")[0]!;
  app.noteSecret(sessionOf(cookie));

  async function send(pathname: string, init: RequestInit = {}): Promise<Response> {
    const headers = { "content-type": "application/json", cookie, ...(init.headers as Record<string, string>) };
    return fetch(`${app.url}${pathname}`, { ...init, headers });
  }

  /** Until the answer is neither lost nor a 5xx. */
  async function sendSurely(pathname: string, init: RequestInit): Promise<Response> {
    for (;;) {
      try {
        await app.whenUp();
        const response = await send(pathname, init);
        if (response.status < 500) return response;
        await response.body?.cancel();
      } catch {
        // The app died before it answered.
      }
    }
  }

  /** One connection; ends with the stream or with the app. */
  async function readOn(runId: string, events: ReadEvent[], onEvent: (event: ReadEvent) => void): Promise<void> {
    const last = events.at(-1);
    const headers: Record<string, string> = last === undefined ? {} : { "last-event-id": last.id };
    const response = await send(`/api/runs/${runId}/events`, { headers });
    if (!response.ok) throw new Error(`the events were answered with ${response.status}`);
    for await (const { id = "", event = "", data } of sseEvents(response)) {
      const read = { id, type: event, data: JSON.parse(data) as Record<string, unknown> };
      events.push(read);
      onEvent(read);
    }
  }

  async function start(pathname: string, key: string, body: unknown): Promise<string> {
    const init = { method: "POST", body: JSON.stringify(body), headers: { "idempotency-key": key } };
    const response = await sendSurely(pathname, init);
    const { runId } = (await response.json()) as { runId?: string };
    if (runId === undefined) throw new Error(`the start was answered with ${response.status}`);
    return runId;
  }

  async function signal(runId: string, body: object): Promise<void> {
    const response = await sendSurely(`/api/runs/${runId}/signal`, { method: "POST", body: JSON.stringify(body) });
    await response.body?.cancel();
    // 409: the word has arrived before, and the run is over by now.
    if (response.status !== 202 && response.status !== 409) throw new Error(`the word got a ${response.status}`);
  }

  return {
    order: (key, dinner) => start("/api/execute", key, { name: "book-dinner", input: dinner }),
    ask: (key, goal) => start("/api/agents/workflow", key, { goal }),
    answer: (runId, confirmed) => signal(runId, { name: "guest-confirms", id: "the-word", payload: { confirmed } }),
    async resume(runId) {
      const response = await sendSurely(`/api/runs/${runId}/resume`, { method: "POST" });
      await response.body?.cancel();
      // 409: the request has arrived before, and the run goes on by now.
      if (response.status !== 202 && response.status !== 409) throw new Error(`the resume got a ${response.status}`);
    },
    approve(runId, stepId) {
      const name = `approval:${stepId}`;
      return signal(runId, { name, id: name, payload: { approved: true } });
    },
    async follow(runId, onEvent) {
      const events: ReadEvent[] = [];
      while (!/^workflow-(?:completed|failed|cancelled)$/.test(events.at(-1)?.type ?? "")) {
        await app.whenUp();
        await readOn(runId, events, onEvent).catch(() => undefined);
      }
      return events;
    },
    replay: async (runId) => readEvents(await sendSurely(`/api/runs/${runId}/events`, {})),
  };
}
