import type { JsonValue } from "../../core/json.ts";
import { asJson } from "../../core/json.ts";

/** The value where its JSON is short enough; else `{shortened}` with the beginning of its JSON. What was shortened before is cut further. */
export function shorten(value: unknown, charsMax: number): JsonValue {
  if (isShortened(value)) return { shortened: value.shortened.slice(0, charsMax) };
  const json = asJson(value);
  if (json === undefined) return { shortened: String(value).slice(0, charsMax) };
  if (json.value === undefined) return null;
  return json.text.length <= charsMax ? json.value : { shortened: json.text.slice(0, charsMax) };
}

function isShortened(value: unknown): value is { readonly shortened: string } {
  if (typeof value !== "object" || value === null || Object.keys(value).length !== 1) return false;
  return "shortened" in value && typeof value.shortened === "string";
}
