/** Readers of Redis replies: what a command promises, checked where it enters. */
import { invariant } from "../core/ports.ts";

export function readStrings(reply: unknown): string[] {
  invariant(Array.isArray(reply), "Redis answers a list");
  return reply.map(String);
}

export function readCount(reply: unknown): number {
  const count = Number(reply);
  invariant(Number.isSafeInteger(count), "Redis answers a number");
  return count;
}

export function readOptionalString(reply: unknown): string | undefined {
  return reply === null || reply === undefined ? undefined : String(reply);
}

/** A flat list of field, value, field, value, … */
export function readPairs(reply: unknown): Map<string, string> {
  const flat = readStrings(reply);
  const pairs = new Map<string, string>();
  for (let index = 0; index + 1 < flat.length; index += 2) pairs.set(flat[index]!, flat[index + 1]!);
  return pairs;
}
