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
import type { EventFeed } from "../event/event-log.ts";
import { eventsKey } from "./keys.ts";

export interface EventFeedOptions {
  readonly url: string;
  readonly token: Secret;
  readonly fetch: (url: string, init: RequestInit) => Promise<Response>;
}

export function upstashEventFeed(options: EventFeedOptions): EventFeed {
  return {
    async subscribe(ref, signal) {
      const channel = eventsKey(ref.userId, ref.conversationId);
      const messages = readMessages(await openStream(options, channel, signal));
      const first = await messages.next();
      if (first.done === true || !first.value.startsWith("subscribe,")) {
        throw new AppError("redis_unavailable", "the subscription was not acknowledged");
      }
      return batches(messages, `message,${channel},`);
    },
  };
}

async function openStream(
  options: EventFeedOptions,
  channel: string,
  signal: AbortSignal,
): Promise<ReadableStream<Uint8Array>> {
  let response: Response;
  try {
    response = await options.fetch(`${options.url}/subscribe/${encodeURIComponent(channel)}`, {
      method: "POST",
      headers: { authorization: `Bearer ${options.token.reveal()}`, accept: "text/event-stream" },
      signal,
    });
  } catch (cause) {
    signal.throwIfAborted();
    throw new AppError("redis_unavailable", "the subscription could not be opened", { cause });
  }
  if (!response.ok || response.body === null) {
    await response.body?.cancel();
    throw new AppError("redis_unavailable", `the subscription was answered with status ${response.status}`);
  }
  return response.body;
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

async function* batches(
  messages: AsyncGenerator<string, void, undefined>,
  prefix: string,
): AsyncGenerator<readonly string[], void, undefined> {
  for await (const message of messages) {
    if (!message.startsWith(prefix)) continue;
    const entries = parseEntries(message.slice(prefix.length));
    if (entries !== undefined) yield entries;
  }
}

function parseEntries(payload: string): string[] | undefined {
  try {
    const value: unknown = JSON.parse(payload);
    return Array.isArray(value) ? value.map(String) : undefined;
  } catch {
    return undefined;
  }
}
