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
  return JSON.stringify(record, replaceBuffers);
}

/** @throws SyntaxError for what is no JSON. */
export function decodeRecord(text: string): unknown {
  return JSON.parse(text, reviveBuffers);
}

/** Buffers have a `toJSON`, so only their holder still has them as they were. */
function replaceBuffers(this: unknown, key: string, value: unknown): unknown {
  if (typeof value === "string") return value.startsWith(mark) ? asString + value : value;
  const held = (this as Record<string, unknown>)[key];
  if (!Buffer.isBuffer(held)) return value;
  return isUtf8(held) ? asText + held.toString("utf8") : asBase64 + held.toString("base64");
}

function reviveBuffers(_: string, value: unknown): unknown {
  if (typeof value !== "string" || !value.startsWith(mark)) return value;
  const rest = value.slice(asText.length);
  if (value.startsWith(asText)) return Buffer.from(rest, "utf8");
  return value.startsWith(asBase64) ? Buffer.from(rest, "base64") : rest;
}
