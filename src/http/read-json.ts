/**
 * A request's JSON body, bounded and checked.
 *
 * The bytes are counted while they arrive, so a body without a length, or with a wrong one, is cut off at the limit too.
 */
import * as z from "zod/mini";
import type { Context } from "hono";
import { AppError } from "../core/errors.ts";
import { fieldProblemsOf } from "../core/field-problem.ts";
import { faultIn, wellFormed } from "../core/foreign-json.ts";
import { parseJson } from "../core/json.ts";
import { limits } from "../core/limits.ts";
import { InvalidBody } from "./invalid-body.ts";

/**
 * @throws unsupported_media_type, body_too_large, malformed_json, bad_request (all refuse); `bad_request` is an
 * `InvalidBody` with a pointer to each wrong field.
 */
export async function readJson<T>(
  c: Context,
  schema: z.core.$ZodType<T>,
  { bytesMax = limits.bodyBytesMax }: { bytesMax?: number } = {},
): Promise<T> {
  expectJson(c);
  return checked(schema, await readBytes(c.req.raw, bytesMax));
}

/**
 * For routes where nothing has to be said: a body without bytes is `{}`, whatever its type is called.
 * @throws as `readJson`
 */
export async function readOptionalJson<T>(c: Context, schema: z.core.$ZodType<T>): Promise<T | Record<string, never>> {
  const bytes = await readBytes(c.req.raw, limits.bodyBytesMax);
  if (bytes.byteLength === 0) return {};
  expectJson(c);
  return checked(schema, bytes);
}

function expectJson(c: Context): void {
  const mediaType = c.req.header("Content-Type")?.split(";")[0]?.trim().toLowerCase();
  if (mediaType === "application/json") return;
  throw new AppError("unsupported_media_type", "This route accepts application/json only.");
}

function checked<T>(schema: z.core.$ZodType<T>, bytes: Uint8Array): T {
  const parsed = z.safeParse(schema, parse(bytes));
  if (parsed.success) return parsed.data;
  throw invalidBody(parsed.error.issues);
}

/** @param at JSON pointer to the part of the body that was checked. */
export function invalidBody(issues: readonly z.core.$ZodIssue[], at = ""): InvalidBody {
  return new InvalidBody(
    fieldProblemsOf(issues).map(({ pointer, detail }) => ({ pointer: `${at}${pointer}`, detail })),
  );
}

/** The body as text, for what is checked byte for byte. @throws body_too_large (refuse) */
export async function readText(c: Context, bytesMax: number): Promise<string> {
  return new TextDecoder().decode(await readBytes(c.req.raw, bytesMax));
}

async function readBytes(request: Request, bytesMax: number): Promise<Uint8Array> {
  const tooLarge = () => new AppError("body_too_large", `The request body may have at most ${bytesMax} bytes.`);
  if (Number(request.headers.get("Content-Length") ?? 0) > bytesMax) throw tooLarge();
  const chunks: Uint8Array[] = [];
  let size = 0;
  for await (const chunk of request.body ?? []) {
    size += chunk.byteLength;
    if (size > bytesMax) throw tooLarge();
    chunks.push(chunk);
  }
  return concat(chunks, size);
}

function parse(bytes: Uint8Array): unknown {
  const text = textOf(bytes);
  const fault = text === undefined ? undefined : faultIn(text);
  if (fault !== undefined) throw new AppError("bad_request", `The request body has ${fault}.`);
  const value = text === undefined ? undefined : parseJson(wellFormed(text));
  if (value === undefined) throw new AppError("malformed_json", "The request body is not valid JSON in UTF-8.");
  return value;
}

function textOf(bytes: Uint8Array): string | undefined {
  try {
    return new TextDecoder("utf-8", { fatal: true, ignoreBOM: false }).decode(bytes);
  } catch {
    return undefined;
  }
}

function concat(chunks: readonly Uint8Array[], size: number): Uint8Array {
  const [only] = chunks;
  if (only !== undefined && chunks.length === 1) return only;
  const whole = new Uint8Array(size);
  let offset = 0;
  for (const chunk of chunks) {
    whole.set(chunk, offset);
    offset += chunk.byteLength;
  }
  return whole;
}
