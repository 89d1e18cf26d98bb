/** The browser of the demo: a cookie, the AI SDK's stream format and the event stream, over plain fetch. */
import { createParser } from "eventsource-parser";
import { randomUUID } from "node:crypto";

/** What a chat stream said. */
export interface Heard {
  text: string;
  toolNames: string[];
  /** False when the stream ended before its `finish`. */
  isFinished: boolean;
}

export interface DemoEvent {
  id: string;
  type: string;
  data: Record<string, unknown>;
}

export interface EventLog {
  events: DemoEvent[];
  /** Resolves when `count` events of this type came. @throws Error after 30 s. */
  waitFor(type: string, count: number): Promise<void>;
  close(): void;
}

interface ListenOptions {
  /** Writes what comes to the terminal. */
  show: boolean;
  /** Aborts the request once so much text came. */
  killAfterChars?: number;
}

const EVENT_WAIT_MS_MAX = 30_000;

export class DemoClient {
  readonly #url: string;
  #cookie = "";

  constructor(url: string) {
    this.#url = url;
  }

  async openSession(): Promise<string> {
    const response = await this.#send("/api/sessions", { method: "POST" });
    this.#cookie = response.headers
      .getSetCookie()
      .map((cookie) => cookie.split(";")[0])
      .join("; ");
    return ((await response.json()) as { userId: string }).userId;
  }

  /** Sends one user message and listens to the answer. */
  async chat(conversationId: string, text: string, o: ListenOptions): Promise<Heard> {
    if (o.show) console.log(`   you:   ${text}`);
    const message = { id: randomUUID(), role: "user", parts: [{ type: "text", text }] };
    const body = JSON.stringify({ id: conversationId, messages: [message], trigger: "submit-message" });
    return this.#listen("/api/chat", { method: "POST", body, headers: { "content-type": "application/json" } }, o);
  }

  /** Takes up the turn that is running, from its first chunk. */
  resume(conversationId: string, o: ListenOptions): Promise<Heard> {
    return this.#listen(`/api/chat/${conversationId}/stream`, {}, o);
  }

  async resumeStatus(conversationId: string): Promise<number> {
    return (await this.#send(`/api/chat/${conversationId}/stream`, {})).status;
  }

  /** The texts of the conversation's messages, oldest first. */
  async messages(conversationId: string): Promise<string[]> {
    const response = await this.#send(`/api/conversations/${conversationId}/messages`, {});
    const { messages } = (await response.json()) as { messages: { parts: { type: string; text?: string }[] }[] };
    return messages.map(({ parts }) => parts.map((part) => (part.type === "text" ? part.text : "")).join(""));
  }

  /** Follows the conversation's events from the first one, and keeps them. */
  followEvents(conversationId: string): EventLog {
    const events: DemoEvent[] = [];
    const ended = new AbortController();
    const listeners = new Set<() => void>();
    const parser = createParser({
      onEvent({ id = "", event = "", data }) {
        events.push({ id, type: event, data: JSON.parse(data) as Record<string, unknown> });
        for (const listener of listeners) listener();
      },
    });
    const reading = this.#send(`/api/conversations/${conversationId}/events`, { signal: ended.signal })
      .then(async (response) => {
        for await (const text of textOf(response)) parser.feed(text);
      })
      .catch((cause: unknown) => {
        if (!ended.signal.aborted) console.error("The event stream broke off:", cause);
      });
    return {
      events,
      close: () => ended.abort(),
      waitFor: (type, count) =>
        new Promise((resolve, reject) => {
          const isThere = (): boolean => events.filter((event) => event.type === type).length >= count;
          const late = setTimeout(
            () => settle(new Error(`No ${count} ${type} events came in time.`)),
            EVENT_WAIT_MS_MAX,
          );
          const settle = (problem?: Error): void => {
            clearTimeout(late);
            listeners.delete(look);
            if (problem === undefined) resolve();
            else reject(problem);
          };
          const look = (): void => {
            if (isThere()) settle();
          };
          listeners.add(look);
          void reading.then(() => (isThere() ? undefined : settle(new Error("The event stream ended too early."))));
          look();
        }),
    };
  }

  async #listen(path: string, init: RequestInit, o: ListenOptions): Promise<Heard> {
    const heard: Heard = { text: "", toolNames: [], isFinished: false };
    const killed = new AbortController();
    const show = (text: string): void => void (o.show && process.stdout.write(text));
    const parser = createParser({
      onEvent({ data }) {
        if (data === "[DONE]" || killed.signal.aborted) return;
        hear(JSON.parse(data) as Record<string, unknown>, heard, show);
        if (o.killAfterChars !== undefined && heard.text.length >= o.killAfterChars) killed.abort();
      },
    });
    try {
      const response = await this.#send(path, { ...init, signal: killed.signal });
      if (!response.ok) throw new Error(`${path} answered ${response.status}: ${await response.text()}`);
      for await (const text of textOf(response)) parser.feed(text);
    } catch (cause) {
      if (!killed.signal.aborted) throw cause;
      show(" ✂");
    }
    show("\n");
    return heard;
  }

  #send(path: string, init: RequestInit): Promise<Response> {
    const headers = { ...(init.headers as Record<string, string> | undefined), cookie: this.#cookie };
    return fetch(`${this.#url}${path}`, { ...init, headers });
  }
}

function hear(chunk: Record<string, unknown>, heard: Heard, show: (text: string) => void): void {
  switch (chunk["type"]) {
    case "text-start":
      return show("   model: ");
    case "text-delta":
      heard.text += String(chunk["delta"]);
      return show(String(chunk["delta"]).replaceAll("\n", "\n          "));
    case "tool-input-available":
      heard.toolNames.push(String(chunk["toolName"]));
      return show(`   tool:  ${String(chunk["toolName"])} ${JSON.stringify(chunk["input"])}\n`);
    case "tool-output-available":
      return show(`          → ${JSON.stringify(chunk["output"])}\n`);
    case "finish":
      heard.isFinished = true;
      return;
    case "error":
      throw new Error(`The stream reported an error: ${String(chunk["errorText"])}`);
    default:
      return;
  }
}

async function* textOf(response: Response): AsyncGenerator<string> {
  if (response.body === null) return;
  const decoder = new TextDecoder();
  for await (const bytes of response.body) yield decoder.decode(bytes, { stream: true });
}
