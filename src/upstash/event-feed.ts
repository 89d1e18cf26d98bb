/**
 * Live records through Redis pub/sub over HTTP.
 *
 * A small reader of its own: the official client's `subscribe` goes silent when its connection ends. Here the end of the connection is
 * the end of the iteration, and the caller decides what to do.
 * Source: Upstash Redis REST, `/subscribe`: lines `data: subscribe,<channel>,<count>` and `data: message,<channel>,<payload>`.
 */
import { createParser, type EventSourceMessage } from "eventsource-parser";
import { AppError } from "../core/errors.ts";
import type { Secret } from "../core/secret.ts";
import { parseJson } from "../core/json.ts";
import type { RunFeed } from "../engine/follow-run.ts";
import type { Told } from "../engine/journal.ts";
import type { EventFeed } from "../event/event-log.ts";
import { eventsKey, journalKey } from "./keys.ts";
import { openPublished } from "./sealing.ts";
import type { Vault } from "./vault.ts";

export interface EventFeedOptions {
  readonly url: string;
  readonly token: Secret;
  readonly fetch: (url: string, init: RequestInit) => Promise<Response>;
  /** Absent: what is published is in clear. */
  readonly vault?: Vault | undefined;
  /** Called as a subscription leaves: one billed command in one round trip. What it returns is called with whether it was answered. */
  readonly onRoundTrip?: (commands: number) => (isAnswered: boolean) => void;
}

export function upstashEventFeed(options: EventFeedOptions): EventFeed {
  return {
    subscribe: ({ userId, conversationId }, signal) =>
      subscribe(options, eventsKey(userId, conversationId), entriesIn, signal),
  };
}

export function upstashRunFeed(options: EventFeedOptions): RunFeed {
  return {
    subscribe: ({ userId, runId }, signal) => subscribe(options, journalKey(userId, runId), toldIn, signal),
  };
}

/** Messages that `read` does not understand are left out. */
async function subscribe<T>(
  options: EventFeedOptions,
  channel: string,
  read: Read<T>,
  signal: AbortSignal,
): Promise<AsyncIterable<T>> {
  const messages = readMessages(await openStream(options, channel, signal));
  const first = await messages.next();
  if (first.done === true || !first.value.startsWith("subscribe,")) {
    throw new AppError("redis_unavailable", "the subscription was not acknowledged");
  }
  return payloads(messages, `message,${channel},`, (payload) => opened(options.vault, channel, payload, read));
}

type OpenEntry = (entry: string) => Promise<string>;
type Read<T> = (payload: unknown, openEntry: OpenEntry) => Promise<T | undefined>;

/** What cannot be opened is left out like what is not understood: its reader misses it, reads the list, and is told of the failure there. */
async function opened<T>(
  vault: Vault | undefined,
  channel: string,
  payload: string,
  read: Read<T>,
): Promise<T | undefined> {
  if (vault === undefined) return read(parseJson(payload), async (entry) => entry);
  try {
    const { text, openEntry } = await openPublished(vault, channel, payload);
    return await read(parseJson(text), openEntry);
  } catch {
    return undefined;
  }
}

async function openStream(
  options: EventFeedOptions,
  channel: string,
  signal: AbortSignal,
): Promise<ReadableStream<Uint8Array>> {
  const answered = options.onRoundTrip?.(1);
  let response: Response;
  try {
    response = await options.fetch(`${options.url}/subscribe/${encodeURIComponent(channel)}`, {
      method: "POST",
      headers: { authorization: `Bearer ${options.token.reveal()}`, accept: "text/event-stream" },
      signal,
    });
  } catch (cause) {
    answered?.(false);
    signal.throwIfAborted();
    throw new AppError("redis_unavailable", "the subscription could not be opened", { cause });
  }
  const { ok, body } = response;
  answered?.(ok);
  if (!ok || body === null) {
    await response.body?.cancel();
    throw new AppError("redis_unavailable", `the subscription was answered with status ${response.status}`);
  }
  return body;
}

async function* readMessages(body: ReadableStream<Uint8Array>): AsyncGenerator<string, void, undefined> {
  const ready: string[] = [];
  const parser = createParser({ onEvent: (event: EventSourceMessage) => ready.push(event.data) });
  const decoder = new TextDecoder();
  const reader = body.getReader();
  try {
    for (;;) {
      const { done, value } = await reader.read();
      if (done) return;
      parser.feed(decoder.decode(value, { stream: true }));
      yield* ready.splice(0);
    }
  } catch {
    // The connection broke or was aborted: to the caller both are the end of what arrives.
  } finally {
    await reader.cancel().catch(() => undefined);
  }
}

async function* payloads<T>(
  messages: AsyncGenerator<string, void, undefined>,
  prefix: string,
  read: (payload: string) => Promise<T | undefined>,
): AsyncGenerator<T, void, undefined> {
  for await (const message of messages) {
    if (!message.startsWith(prefix)) continue;
    const payload = await read(message.slice(prefix.length));
    if (payload !== undefined) yield payload;
  }
}

async function entriesIn(payload: unknown, openEntry: OpenEntry): Promise<string[] | undefined> {
  if (!Array.isArray(payload) || !payload.every((entry) => typeof entry === "string")) return undefined;
  return Promise.all(payload.map(openEntry));
}

async function toldIn(payload: unknown, openEntry: OpenEntry): Promise<Told | undefined> {
  if (typeof payload !== "object" || payload === null) return undefined;
  const { from, entries } = payload as { from?: unknown; entries?: unknown };
  const texts = await entriesIn(entries, openEntry);
  return typeof from === "number" && texts !== undefined ? { from, entries: texts } : undefined;
}
