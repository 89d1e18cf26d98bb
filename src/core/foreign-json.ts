/**
 * JSON that strangers have written: users, models, servers of others. JSON allows some things that nobody can write down again as they were; they are found here, before
 * anything is made of them.
 */
import { parseJson } from "./json.ts";

/** V8 parses any depth, and fails at some thousands when it is to write the value again. */
export const jsonDepthMax = 200;

/** What the text says, with `wellFormed` texts; `undefined` for what is no JSON, or has a fault. */
export function parseForeignJson(text: string): unknown {
  return faultIn(text) === undefined ? parseJson(wellFormed(text)) : undefined;
}

/** What JSON may have and we cannot keep, in words; `undefined` also for what is no JSON. */
export function faultIn(text: string): string | undefined {
  if (isTooDeep(text)) return `more than ${jsonDepthMax} levels of nesting`;
  return hasHugeNumber(text) ? "a number that is too large to be kept" : undefined;
}

/** Reads the text once, and no more of it than it has to. */
function isTooDeep(text: string): boolean {
  let depth = 0;
  let isInText = false;
  for (let at = 0; at < text.length; at += 1) {
    const char = text[at];
    if (char === '"') isInText = !isInText;
    else if (isInText) at += char === "\\" ? 1 : 0;
    else if (char === "[" || char === "{") depth += 1;
    else if (char === "]" || char === "}") depth -= 1;
    if (depth > jsonDepthMax) return true;
  }
  return false;
}

/** Whether it has a number that is read as infinite, and would be written as `null`. */
function hasHugeNumber(text: string): boolean {
  // Anything huge has an exponent of three digits, or more than two hundred digits; most bodies have neither, and are not parsed for it.
  if (!/\d[eE]\+?\d{3}|\d{200}/.test(text)) return false;
  let isHuge = false;
  try {
    JSON.parse(text, (_key, value: unknown) => {
      if (value === Infinity || value === -Infinity) isHuge = true;
      return value;
    });
  } catch {
    return false;
  }
  return isHuge;
}

/**
 * The same JSON, with U+FFFD in place of each half of a surrogate pair. Such a half is no text, and UTF-8 cannot say it: it would become U+FFFD wherever it is stored, and
 * differ from what was answered. In JSON that came as UTF-8 it can only be an escape.
 */
export function wellFormed(json: string): string {
  if (!/\\u[dD][89a-fA-F]/.test(json)) return json;
  const escapes = /\\(?:u[dD][89abAB][\da-fA-F]{2}\\u[dD][c-fC-F][\da-fA-F]{2}|u[\da-fA-F]{4}|[^u])/g;
  return json.replaceAll(escapes, (escape) => (/^\\u[dD][89a-fA-F]..$/.test(escape) ? "\\ufffd" : escape));
}
