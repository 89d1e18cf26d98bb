/** Values of the query string, checked; each refusal is a sentence that names the parameter and never quotes it. */
import type { Context } from "hono";
import { AppError } from "../core/errors.ts";

/** A whole number from 1 to `max`; `fallback` when it is not given. @throws bad_request (refuse) */
export function readCount(c: Context, name: string, { fallback, max }: { fallback: number; max: number }): number {
  const text = c.req.query(name);
  if (text === undefined) return fallback;
  const count = Number(text);
  if (/^\d{1,9}$/.test(text) && count >= 1 && count <= max) return count;
  throw new AppError("bad_request", `\`${name}\` must be a whole number from 1 to ${max}.`);
}

/** One of the words; `undefined` when it is not given. @throws bad_request (refuse) */
export function readWord<const Word extends string>(
  c: Context,
  name: string,
  words: readonly Word[],
): Word | undefined {
  const text = c.req.query(name);
  if (text === undefined) return undefined;
  const word = words.find((known) => known === text);
  if (word !== undefined) return word;
  throw new AppError("bad_request", `\`${name}\` must be one of ${words.join(", ")}.`);
}

/** A text of at most `charsMax` characters; `undefined` when it is not given. @throws bad_request (refuse) */
export function readPhrase(c: Context, name: string, charsMax: number): string | undefined {
  const text = c.req.query(name);
  if (text === undefined || text.length <= charsMax) return text;
  throw new AppError("bad_request", `\`${name}\` must have at most ${charsMax} characters.`);
}
