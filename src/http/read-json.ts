/**
 * A request's JSON body, bounded and checked.
 *
 * The bytes are counted while they arrive, so a body without a length, or with a wrong one, is cut off at the limit too.
 */
import * as z from "zod/mini";
import type { Context } from "hono";
import { AppError } from "../core/errors.ts";
import { limits } from "../core/limits.ts";
import { InvalidBody } from "./invalid-body.ts";
import type { FieldProblem } from "./invalid-body.ts";

/** Wrong fields that are named in one answer. */
const fieldProblemsMax = 10;

/**
 * @throws unsupported_media_type, body_too_large, malformed_json, bad_request (all refuse); `bad_request` is an
 * `InvalidBody` with a pointer to each wrong field.
 */
export async function readJson<T>(
  c: Context,
  schema: z.core.$ZodType<T>,
  { bytesMax = limits.bodyBytesMax }: { bytesMax?: number } = {},
): Promise<T> {
  const mediaType = c.req.header("Content-Type")?.split(";")[0]?.trim().toLowerCase();
  if (mediaType !== "application/json") {
    throw new AppError("unsupported_media_type", "This route accepts application/json only.");
  }
  const parsed = z.safeParse(schema, parse(await readBytes(c.req.raw, bytesMax)));
  if (parsed.success) return parsed.data;
  throw invalidBody(parsed.error.issues);
}

/** @param at JSON pointer to the part of the body that was checked. */
export function invalidBody(issues: readonly z.core.$ZodIssue[], at = ""): InvalidBody {
  const fields = issues.slice(0, fieldProblemsMax).map(toFieldProblem);
  return new InvalidBody(fields.map(({ pointer, detail }) => ({ pointer: `${at}${pointer}`, detail })));
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
  try {
    return JSON.parse(new TextDecoder("utf-8", { fatal: true, ignoreBOM: false }).decode(bytes));
  } catch {
    throw new AppError("malformed_json", "The request body is not valid JSON in UTF-8.");
  }
}

function toFieldProblem(issue: z.core.$ZodIssue): FieldProblem {
  const pointer = issue.path.map((part) => `/${String(part).replaceAll("~", "~0").replaceAll("/", "~1")}`).join("");
  return { pointer, detail: describe(issue) };
}

function describe(issue: z.core.$ZodIssue): string {
  switch (issue.code) {
    case "invalid_type":
      return `must be ${article(issue.expected)}`;
    case "too_big":
      return `must have at most ${issue.maximum}${unitOf(issue.origin)}`;
    case "too_small":
      return `must have at least ${issue.minimum}${unitOf(issue.origin)}`;
    case "invalid_value":
      return `must be one of ${issue.values.map(String).join(", ")}`;
    case "unrecognized_keys":
      return "has fields that are not known here";
    default:
      return "does not have the expected form";
  }
}

function article(type: string): string {
  return `${/^[aeio]/.test(type) ? "an" : "a"} ${type}`;
}

function unitOf(origin: string): string {
  if (origin === "string") return " characters";
  return origin === "array" ? " items" : "";
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
