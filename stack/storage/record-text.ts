/**
 * Records as JSON text, Buffers included, so that a record that was read is the one that was written.
 *
 * A Buffer is a string behind a mark: its text where it is UTF-8, which leaves most bodies legible in the file, else base64. A
 * string of the record's own that begins like a mark gets a mark too.
 */
import { isUtf8 } from "node:buffer";

const mark = "\0";
const asText = `${mark}t`;
const asBase64 = `${mark}b`;
const asString = `${mark}s`;

export function encodeRecord(record: unknown): string {
  return JSON.stringify(withoutBuffers(record));
}

/** @throws SyntaxError for what is no JSON. */
export function decodeRecord(text: string): unknown {
  return JSON.parse(text, reviveBuffers);
}

/** A copy, because `JSON.stringify` turns a Buffer into an array of numbers before any replacer sees it. */
function withoutBuffers(value: unknown): unknown {
  if (typeof value === "string") return value.startsWith(mark) ? asString + value : value;
  if (typeof value !== "object" || value === null) return value;
  if (Buffer.isBuffer(value)) {
    return isUtf8(value) ? asText + value.toString("utf8") : asBase64 + value.toString("base64");
  }
  if (Array.isArray(value)) return value.map(withoutBuffers);
  const copy: Record<string, unknown> = { ...value };
  for (const name of Object.keys(copy)) copy[name] = withoutBuffers(copy[name]);
  return copy;
}

function reviveBuffers(_: string, value: unknown): unknown {
  if (typeof value !== "string" || !value.startsWith(mark)) return value;
  const rest = value.slice(asText.length);
  if (value.startsWith(asText)) return Buffer.from(rest, "utf8");
  return value.startsWith(asBase64) ? Buffer.from(rest, "base64") : rest;
}
