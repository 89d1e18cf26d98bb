/** What a person's sentence asks for, found by patterns. No tool is known here; `choose-tools.ts` matches the two. */
import { placesIn } from "./city-zones.ts";

export type Intent =
  | { kind: "calculate"; expression: string }
  | { kind: "time"; place: string | undefined; zone: string }
  | { kind: "remember"; subject: string; fact: string }
  | { kind: "recall"; subject: string };

/** All intents of one message, in a fixed order. Empty for a message that is only talk. */
export function intentsOf(text: string): Intent[] {
  const remembered = rememberIntent(text);
  // "Remember that my lucky number is 4 + 4" is something to keep, not something to reckon.
  if (remembered !== undefined) return [remembered];
  const recalled = recallIntent(text);
  if (recalled !== undefined) return [recalled];
  // A story about time, in 3 - 5 sentences, is a story.
  if (STORY.test(text)) return [];
  return [...calculateIntents(text), ...timeIntents(text)];
}

/** What a long text is asked for with. */
export const STORY =
  /\b(?:story|essay|poem|novel|tale|long (?:answer|text|reply|message)|write (?:me )?(?:a|an|something))\b/i;

function rememberIntent(text: string): Intent | undefined {
  const match =
    /\bremember(?:\s+(?:that|this|please))*[:,]?\s+(.+)/is.exec(text) ??
    /\b(?:note|keep in mind|don't forget)\s+that\s+(.+)/is.exec(text);
  const sentence = match?.[1]?.trim();
  if (sentence === undefined || /\bdo you remember\b|\?\s*$/i.test(text)) return undefined;
  const parts =
    /^(.+?)\s+(?:is|are|was|will be|equals|=)\s+(.+)$/is.exec(sentence) ?? /^(.+?)\s*[:=]\s*(.+)$/s.exec(sentence);
  if (parts?.[1] !== undefined && parts[2] !== undefined) {
    return { kind: "remember", subject: tidySubject(parts[1]), fact: tidyEnd(parts[2]) };
  }
  const words = sentence.split(/\s+/);
  return { kind: "remember", subject: tidySubject(words.slice(0, 3).join(" ")), fact: tidyEnd(sentence) };
}

function recallIntent(text: string): Intent | undefined {
  const match =
    /\bwhat (?:do|did) you (?:know|remember|recall) about\s+(.+)/is.exec(text) ??
    /\bdo you (?:know|remember|recall)\s+(?:about\s+|what\s+)?(.+)/is.exec(text) ??
    /\brecall\s+(?:what\s+)?(.+)/is.exec(text) ??
    /\b(?:what(?:'s| is| are)|who is)\s+(my\s+.+)/is.exec(text);
  const subject = match?.[1] === undefined ? "" : tidySubject(match[1].replace(/\s+(?:is|are|was)\s*[?.!]*\s*$/i, ""));
  return subject === "" ? undefined : { kind: "recall", subject };
}

const WORD_OPERATORS: [RegExp, string][] = [
  [/(\d)\s*(?:%|percent)\s+of\s+(?=\d)/gi, "$1 / 100 * "],
  [/\b(?:multiplied by|times)\b/gi, "*"],
  [/\b(?:divided by|over)\b/gi, "/"],
  [/\bplus\b/gi, "+"],
  [/\bminus\b/gi, "-"],
  [/\b(?:to the power of)\b/gi, "^"],
  [/(\d)\s*squared\b/gi, "$1 ^ 2"],
  [/(\d)\s*cubed\b/gi, "$1 ^ 3"],
  [/\b(?:the )?square root of\s+(\d+(?:\.\d+)?)/gi, "sqrt($1)"],
  [/[×·]/g, "*"],
  [/÷/g, "/"],
  [/[−–]/g, "-"],
  [/(\d)\s+x\s+(?=\d)/g, "$1 * "],
  // 1,000,000: the commas group thousands.
  [/(?<=\d),(?=\d{3}\b)/g, ""],
];

/** A number, bracket or function, then at least one operator and another: anchored on digits so that prose is left alone. */
const EXPRESSION =
  /[-+]?(?:(?:sqrt|abs|round|floor|ceil|min|max|sin|cos|tan|log|ln|exp)\s*\(|[(\d.])(?:[\d\s+\-*/^%().,]|(?:sqrt|abs|round|floor|ceil|min|max|sin|cos|tan|log|ln|exp)(?=\s*\())*[\d)]/g;
const DATE_OR_PHONE = /\b\d{4}-\d{1,2}-\d{1,2}\b|\b\d{1,2}[./]\d{1,2}[./]\d{2,4}\b|\+?\d{2,}(?:-\d{2,}){2,}/g;

function calculateIntents(text: string): Intent[] {
  let plain = text.replaceAll(DATE_OR_PHONE, " ");
  for (const [pattern, symbol] of WORD_OPERATORS) plain = plain.replaceAll(pattern, symbol);
  const found = (plain.match(EXPRESSION) ?? []).map((match) => match.trim().replaceAll(/\s+/g, " "));
  const expressions = found
    .map(balanced)
    .filter((e) => /\d\s*\)*\s*(?:[+*/^%]|-)\s*[-+(]*\s*[\d.a-z]|^(?:[a-z]+)\s*\(/.test(e));
  return [...new Set(expressions)].slice(0, 4).map((expression) => ({ kind: "calculate", expression }));
}

/** "(see 3 + 4)" may leave a bracket too many at either end; "(1 + 2" stays as it is written, the tool shall say so. */
function balanced(expression: string): string {
  let text = expression;
  while (text.endsWith(")") && count(text, ")") > count(text, "(")) text = text.slice(0, -1).trim();
  return text;
}

function count(text: string, letter: string): number {
  return text.split(letter).length - 1;
}

const ASKS_TIME =
  /\bwhat(?:'s| is)? (?:the )?(?:current |local |exact )?(?:time|date|day)\b|\bwhat time\b|\btime is it\b|\b(?:current|local) time\b|\btime (?:now|right now|in)\b|\btoday's date\b|\bwhich day\b|\bthe time (?:now|in|at)\b|\bhow late is it\b/i;

function timeIntents(text: string): Intent[] {
  if (!ASKS_TIME.test(text)) return [];
  const places = placesIn(text).slice(0, 4);
  if (places.length === 0) return [{ kind: "time", place: undefined, zone: "UTC" }];
  return places.map(({ place, zone }) => ({ kind: "time", place, zone }));
}

function tidySubject(text: string): string {
  return tidyEnd(text)
    .replace(/^(?:my|our|the|a|an|that)\s+/i, "")
    .slice(0, 120);
}

function tidyEnd(text: string): string {
  return text
    .trim()
    .replace(/[\s.!?]+$/, "")
    .replace(/^["'“](.*)["'”]$/s, "$1");
}
