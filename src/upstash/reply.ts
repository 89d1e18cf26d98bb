/** Readers for the replies that several adapters expect. Each throws when Redis answers something else. */
import { AppError } from "../core/errors.ts";

/** For commands whose reply says nothing that we need. */
export function readNothing(_reply: unknown): void {}

export function readInteger(reply: unknown): number {
  if (typeof reply === "number" && Number.isInteger(reply)) return reply;
  throw unexpected("an integer", reply);
}

/** A string, or `undefined` for nil. */
export function readText(reply: unknown): string | undefined {
  if (reply === null) return undefined;
  if (typeof reply === "string") return reply;
  throw unexpected("a string or nil", reply);
}

export function readTexts(reply: unknown): string[] {
  if (Array.isArray(reply) && reply.every((item) => typeof item === "string")) return reply;
  throw unexpected("a list of strings", reply);
}

/** A page of a scan; the cursor "0" is the end. */
export function readScan(reply: unknown): { readonly cursor: string; readonly items: readonly string[] } {
  if (!Array.isArray(reply) || reply.length !== 2) throw unexpected("a page of a scan", reply);
  return { cursor: String(reply[0]), items: readTexts(reply[1]) };
}

/** A flat list of field, value, field, value, … */
export function readPairs(reply: unknown): Map<string, string> {
  const flat = readTexts(reply);
  const pairs = new Map<string, string>();
  for (let index = 0; index + 1 < flat.length; index += 2) pairs.set(flat[index]!, flat[index + 1]!);
  return pairs;
}

/** `undefined` for what is there and cannot be opened: one such value must not hide the others from whoever reads many. */
export async function readableOrNone<T>(value: Promise<T>): Promise<T | undefined> {
  try {
    return await value;
  } catch (error) {
    if (error instanceof AppError && error.code === "sealed_unreadable") return undefined;
    throw error;
  }
}

function unexpected(wanted: string, reply: unknown): AppError {
  const got = Array.isArray(reply) ? "a list" : reply === null ? "nil" : `a ${typeof reply}`;
  return new AppError("internal", `Redis answered ${got} where ${wanted} was expected`);
}
