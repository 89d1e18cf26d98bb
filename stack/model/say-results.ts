/** Puts what tools returned into sentences, by the shape of the result and not by the name of the tool. */
import { isRecord } from "./chat-request.ts";

/** A tool call of this turn and what came back. */
export interface AnsweredCall {
  name: string;
  argumentsText: string;
  /** The text of the tool message; usually JSON. */
  resultText: string;
}

/** One sentence for each call, in their order. */
export function sayResults(calls: AnsweredCall[]): string {
  return calls.map(sayResult).join(" ");
}

function sayResult(call: AnsweredCall): string {
  const result = jsonOrText(withoutFence(call.resultText));
  const args = jsonOrText(call.argumentsText);
  const given = isRecord(args) ? args : {};
  const failure = failureIn(result);
  if (failure !== undefined)
    return `I tried the ${call.name} tool, but it answered with an error: ${sentence(failure)}`;

  const expression = textOf(given, "expression", "expr", "formula", "equation");
  if (expression !== undefined) return `${expression} = ${plain(unwrap(result, "result", "value", "answer"))}.`;
  const zone = textOf(given, "zone", "timezone", "timeZone", "time_zone", "tz", "city", "location", "place");
  const time = timeIn(result);
  if (time !== undefined) return zone === undefined ? `It is ${time}.` : `In ${placeName(zone)} it is ${time}.`;
  if (/recall|lookup|retriev|search/i.test(call.name)) return sayRecalled(given, result);
  if (/remember|memor|save|store/i.test(call.name)) return sayRemembered(given);
  return `The ${call.name} tool answered: ${sentence(plain(result))}`;
}

function sayRemembered(given: Record<string, unknown>): string {
  const subject = textOf(given, "key", "subject", "topic", "name", "about");
  const fact = textOf(given, "value", "fact", "content", "text", "detail", "statement", "note");
  if (subject !== undefined && fact !== undefined) return `I will remember it: ${subject} is ${sentence(fact)}`;
  return `I will remember it: ${sentence(fact ?? subject ?? plain(given))}`;
}

function sayRecalled(given: Record<string, unknown>, result: unknown): string {
  const subject = textOf(given, ...SUBJECT_NAMES) ?? "";
  const facts = factsIn(result);
  if (facts.length > 0 && !hasSubject(given)) return `This is what I was told: ${facts.map(sentence).join(" ")}`;
  if (facts.length === 0 && !hasSubject(given))
    return 'I was told nothing yet. Try "remember that my favourite colour is green".';
  if (facts.length === 0) return `I know nothing about ${subject} yet. Tell me with "remember that ${subject} is …".`;
  return `About ${subject} I know: ${facts.map(sentence).join(" ")}`;
}

const SUBJECT_NAMES = ["key", "query", "subject", "topic", "about", "name", "question", "text"];

function hasSubject(given: Record<string, unknown>): boolean {
  return textOf(given, ...SUBJECT_NAMES) !== undefined;
}

/** Every fact in the shapes that memory tools return: a value, a list, `{found: false}`, `{facts: [...]}`, `{value}`. */
function factsIn(result: unknown): string[] {
  if (result === null || result === undefined || result === "") return [];
  if (Array.isArray(result)) return result.flatMap(factsIn);
  if (!isRecord(result)) return [plain(result)];
  if (["found", "isFound", "known", "isKnown", "exists"].some((flag) => result[flag] === false)) return [];
  for (const key of ["facts", "results", "memories", "matches", "items", "entries"]) {
    if (Array.isArray(result[key])) return result[key].flatMap(factsIn);
  }
  const value = textOf(result, "fact", "value", "text", "content", "detail");
  const subject = textOf(result, "subject", "key", "topic", "name");
  if (value === undefined) return "found" in result && Object.keys(result).length === 1 ? [] : [plain(result)];
  return [subject === undefined ? value : `${subject} is ${value}`];
}

function failureIn(result: unknown): string | undefined {
  if (!isRecord(result)) return undefined;
  const error = result["error"] ?? result["errorText"];
  if (typeof error === "string" && error !== "") return error;
  if (isRecord(error)) return textOf(error, "message", "detail", "title") ?? plain(error);
  return undefined;
}

function timeIn(result: unknown): string | undefined {
  if (typeof result === "string") return /\d{1,2}:\d{2}/.test(result) ? result : undefined;
  if (!isRecord(result)) return undefined;
  const spoken = textOf(
    result,
    "spoken",
    "local",
    "localTime",
    "local_time",
    "formatted",
    "text",
    "time",
    "now",
    "iso",
  );
  if (spoken === undefined || !/\d{1,2}:\d{2}/.test(spoken)) return undefined;
  const extra = [textOf(result, "weekday", "day"), textOf(result, "date")].filter(
    (part) => part !== undefined && !spoken.includes(part),
  );
  return [spoken, ...extra].join(", ");
}

function placeName(zone: string): string {
  return zone.includes("/") ? (zone.split("/").at(-1) ?? zone).replaceAll("_", " ") : zone;
}

function unwrap(result: unknown, ...keys: string[]): unknown {
  if (!isRecord(result)) return result;
  const key = keys.find((name) => name in result);
  return key === undefined ? result : result[key];
}

function textOf(from: Record<string, unknown>, ...keys: string[]): string | undefined {
  for (const key of keys) {
    const value = from[key];
    if (typeof value === "string" && value !== "") return value;
    if (typeof value === "number") return String(value);
  }
  return undefined;
}

/** Some callers put a result between tags, to mark it as data. */
function withoutFence(text: string): string {
  return /^<([\w-]+)[^>]*>\n(.*)\n<\/\1>$/s.exec(text)?.[2] ?? text;
}

function jsonOrText(text: string): unknown {
  try {
    return JSON.parse(text) as unknown;
  } catch {
    return text;
  }
}

function plain(value: unknown): string {
  return typeof value === "string" ? value : (JSON.stringify(value) ?? "nothing");
}

function sentence(text: string): string {
  return /[.!?…]$/.test(text) ? text : `${text}.`;
}
