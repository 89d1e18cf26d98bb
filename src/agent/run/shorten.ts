import type { JsonValue } from "../../core/json.ts";
import { asJson } from "../../core/json.ts";

/** The value where its JSON is short enough; else `{shortened}` with the beginning of its JSON. */
export function shorten(value: unknown, charsMax: number): JsonValue {
  const json = asJson(value);
  if (json === undefined) return { shortened: String(value).slice(0, charsMax) };
  if (json.value === undefined) return null;
  return json.text.length <= charsMax ? json.value : { shortened: json.text.slice(0, charsMax) };
}
