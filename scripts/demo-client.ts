/** The browser of the demo: a cookie, the AI SDK's stream format and the event stream, over plain fetch. */
import { createParser } from "eventsource-parser";
import { randomUUID } from "node:crypto";
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
    return keepEvents((signal) => this.#send(`/api/conversations/${conversationId}/events`, { signal }));
  }

  /** Follows a run's events from the first one, and keeps them. */
  followRun(runId: string): EventLog {
    return keepEvents((signal) => this.#send(`/api/runs/${runId}/events`, { signal }));
  }

  /** @throws Error with the answer unless it is a 2xx. */
  async post(path: string, body: object): Promise<Record<string, unknown>> {
    const headers = { "content-type": "application/json" };
    const response = await this.#send(path, { method: "POST", body: JSON.stringify(body), headers });
    if (!response.ok) throw new Error(`${path} answered ${response.status}: ${await response.text()}`);
    return (await response.json()) as Record<string, unknown>;
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
