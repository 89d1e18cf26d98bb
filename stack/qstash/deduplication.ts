/** Which messages are repetitions of an earlier one. Source: protocol document, B.7. */
import { createHash } from "node:crypto";
import type { Collection } from "../storage/collection.ts";
import { deduplicationWindowMs } from "./limits.ts";
import type { Options } from "./publish-options.ts";

export interface DeduplicationBook {
  /** The message that holds `key` since less than the window; undefined when the key is free. */
  find(key: string, nowMs: number): string | undefined;
  hold(key: string, messageId: string, nowMs: number): void;
}

/** Who holds a key, and until when (unix ms). */
export interface KeyHolder {
  key: string;
  messageId: string;
  untilMs: number;
}

export function createDeduplicationBook(holders: Collection<KeyHolder>): DeduplicationBook {
  function forgetExpired(nowMs: number): void {
    // All windows are of one length, so the entries end in the order in which they were made.
    for (let oldest = holders.first(); oldest !== undefined && oldest.untilMs <= nowMs; oldest = holders.first()) {
      holders.remove(oldest.key);
    }
  }

  return {
    find(key, nowMs) {
      forgetExpired(nowMs);
      return holders.get(key)?.messageId;
    },
    hold(key, messageId, nowMs) {
      forgetExpired(nowMs);
      // Removed first, so that it goes to the end of the order.
      holders.remove(key);
      holders.put(key, { key, messageId, untilMs: nowMs + deduplicationWindowMs });
    },
  };
}

/**
 * The key under which a message is unique, undefined when it may repeat. An explicit id wins; both kinds hold per
 * destination. Content is the destination, the body and all options except telemetry, which differs between machines.
 */
export function deduplicationKey(message: { url: string; options: Options; body: Buffer }): string | undefined {
  const id = message.options["upstash-deduplication-id"];
  if (id !== undefined && id !== "") return `id ${message.url} ${id}`;
  if (message.options["upstash-content-based-deduplication"] !== "true") return undefined;
  const content = Object.entries(message.options)
    .filter(([name]) => isContent(name))
    .toSorted(([left], [right]) => (left < right ? -1 : 1));
  const hash = createHash("sha256")
    .update(JSON.stringify([message.url, content]))
    .update(message.body);
  return `content ${hash.digest("hex")}`;
}

function isContent(name: string): boolean {
  return name === "content-type" || (name.startsWith("upstash-") && !name.startsWith("upstash-telemetry-"));
}
