/** The browser of the demo: a cookie, the AI SDK's stream format and the event stream, through the API's typed client. */
import { createParser } from "eventsource-parser";
import { hc, type ClientResponse } from "hono/client";
import { randomUUID } from "node:crypto";
import type { AppType } from "../src/http/api/app-type.ts";
import { keepEvents, textOf } from "./demo-event-log.ts";
import type { EventLog } from "./demo-event-log.ts";

/** What a chat stream said. */
export interface Heard {
  text: string;
  toolNames: string[];
  /** False when the stream ended before its `finish`. */
  isFinished: boolean;
}

interface ListenOptions {
  /** Writes what comes to the terminal. */
  show: boolean;
  /** Aborts the request once so much text came. */
  killAfterChars?: number;
}

export class DemoClient {
  readonly #api;
  #cookie = "";

  constructor(url: string) {
    this.#api = hc<AppType>(url, { headers: () => ({ cookie: this.#cookie }) }).api;
  }

  async openSession(): Promise<string> {
    const response = await accepted(this.#api.sessions.$post());
    this.#cookie = response.headers
      .getSetCookie()
      .map((cookie) => cookie.split(";")[0])
      .join("; ");
    return (await response.json()).userId;
  }

  /** Sends one user message and listens to the answer. */
  async chat(conversationId: string, text: string, o: ListenOptions): Promise<Heard> {
    if (o.show) console.log(`   you:   ${text}`);
    const message = { id: randomUUID(), role: "user" as const, parts: [{ type: "text" as const, text }] };
    const json = { id: conversationId, messages: [message], trigger: "submit-message" as const };
    return this.#listen((signal) => this.#api.chat.$post({ json }, { init: { signal } }), o);
  }

  /** Takes up the turn that is running, from its first chunk. */
  resume(conversationId: string, o: ListenOptions): Promise<Heard> {
    return this.#listen((signal) => this.#stream(conversationId, signal), o);
  }

  async resumeStatus(conversationId: string): Promise<number> {
    return (await this.#stream(conversationId)).status;
  }

  /** The texts of the conversation's messages, oldest first. */
  async messages(conversationId: string): Promise<string[]> {
    const response = accepted(this.#api.conversations[":conversationId"].messages.$get({ param: { conversationId } }));
    const { messages } = await (await response).json();
    return messages.map(({ parts }) => parts.map((part) => (part.type === "text" ? part.text : "")).join(""));
  }

  /** Follows the conversation's events from the first one, and keeps them. */
  followEvents(conversationId: string): EventLog {
    const { events } = this.#api.conversations[":conversationId"];
    return keepEvents((signal) => events.$get({ param: { conversationId } }, { init: { signal } }));
  }

  /** Follows a run's events from the first one, and keeps them. */
  followRun(runId: string): EventLog {
    const { events } = this.#api.runs[":runId"];
    return keepEvents((signal) => events.$get({ param: { runId } }, { init: { signal } }));
  }

  /** @returns the id of the run. */
  async execute(name: string, input: unknown): Promise<string> {
    return (await (await accepted(this.#api.execute.$post({ json: { name, input } }))).json()).runId;
  }

  async signal(runId: string, json: { name: string; id: string; payload: unknown }): Promise<void> {
    await accepted(this.#api.runs[":runId"].signal.$post({ param: { runId }, json }));
  }

  async #listen(send: (signal: AbortSignal) => Promise<Response>, o: ListenOptions): Promise<Heard> {
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
      for await (const text of textOf(await accepted(send(killed.signal)))) parser.feed(text);
    } catch (cause) {
      if (!killed.signal.aborted) throw cause;
      show(" ✂");
    }
    show("\n");
    return heard;
  }

  #stream(conversationId: string, signal?: AbortSignal) {
    const init = signal === undefined ? {} : { signal };
    return this.#api.chat[":conversationId"].stream.$get({ param: { conversationId } }, { init });
  }
}

/** @throws Error with the answer unless it is a 2xx. */
async function accepted<Answer extends Response | ClientResponse<unknown>>(
  answer: Promise<Answer>,
): Promise<Extract<Answer, { ok: true }>> {
  const response = await answer;
  if (!response.ok) throw new Error(`${response.url} answered ${response.status}: ${await response.text()}`);
  return response as Extract<Answer, { ok: true }>;
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
