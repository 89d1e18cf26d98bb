/**
 * Search by words.
 *
 * An entry's score is the sum over the query's words of how rare the word is among the entries, times where it was found: in the key (3), a tag (2) or the value
 * (1). A word counts half where only its beginning fits ("book" in "booking"). So:
 *
 * R1 The same entries give the same order, in whatever order they come.
 * R2 What holds no word of the query is not found.
 * R3 Of two entries, one that has every word at a place at least as good is never behind the other, unless their scores are the same.
 *
 * Equal scores: an entry whose key is the query comes first, then the newest, then by key.
 */
import type { JsonValue } from "../core/json.ts";
import { limits } from "../core/limits.ts";
import type { KnowledgeEntry } from "./knowledge.ts";
import { foldText, tokensOf } from "./tokenise.ts";

export interface Ranked<Entry> {
  readonly entry: Entry;
  /** Greater is better; comparable within one search only. */
  readonly score: number;
}

const keyWeight = 3;
const tagWeight = 2;
const valueWeight = 1;
const beginningFactor = 0.5;
/** Shorter beginnings fit too much. */
const beginningCharsMin = 4;

/** Best first. @param query more than `limits.searchTokensMax` words are cut off. */
export function rankByText<Entry extends KnowledgeEntry>(query: string, entries: readonly Entry[]): Ranked<Entry>[] {
  const folded = foldText(query);
  const tokens = [...new Set(tokensOf(folded))].slice(0, limits.searchTokensMax);
  if (tokens.length === 0) return [];
  const found = entries.flatMap((entry) => {
    const weights = weightsIn(entry, tokens);
    return weights === undefined ? [] : [{ entry, weights }];
  });
  const rarities = tokens.map((_token, index) =>
    rarity(entries.length, found.filter(({ weights }) => weights[index]! > 0).length),
  );
  return found
    .map(({ entry, weights }) => ({
      entry,
      score: weights.reduce((sum, weight, index) => sum + weight * rarities[index]!, 0),
    }))
    .toSorted((a, b) => b.score - a.score || compareEntries(folded, a.entry, b.entry));
}

/** Everything in a value that can be looked for. */
export function textOfValue(value: JsonValue): string {
  if (typeof value === "string") return value;
  if (typeof value !== "object" || value === null) return String(value ?? "");
  if (Array.isArray(value)) return (value as readonly JsonValue[]).map(textOfValue).join(" ");
  return Object.entries(value)
    .map(([name, inner]) => `${name} ${textOfValue(inner ?? null)}`)
    .join(" ");
}

/** How well each word is found; `undefined` when none is. */
function weightsIn(entry: KnowledgeEntry, tokens: readonly string[]): number[] | undefined {
  const key = foldText(entry.key);
  const tags = foldText(entry.tags.join(" "));
  const value = foldText(textOfValue(entry.value));
  const whole = `${key}\n${tags}\n${value}`;
  // Cutting a text into words costs far more than this look at it.
  if (!tokens.some((token) => whole.includes(token.slice(0, stemChars(token))))) return undefined;
  const places = [
    { words: tokensOf(key), weight: keyWeight },
    { words: tokensOf(tags), weight: tagWeight },
    { words: tokensOf(value), weight: valueWeight },
  ];
  const weights = tokens.map((token) => Math.max(...places.map(({ words, weight }) => weight * fit(token, words))));
  return weights.some((weight) => weight > 0) ? weights : undefined;
}

/** 1 for the word itself, a half for its beginning or what it begins, 0 for neither. */
function fit(token: string, words: readonly string[]): number {
  if (words.includes(token)) return 1;
  const stem = stemChars(token);
  const isNear = words.some(
    (word) => word.length >= stem && stem >= beginningCharsMin && (word.startsWith(token) || token.startsWith(word)),
  );
  return isNear ? beginningFactor : 0;
}

/** How much of a word must be there: half of it, and enough to say something. */
function stemChars(token: string): number {
  return Math.min(token.length, Math.max(beginningCharsMin, Math.ceil(token.length / 2)));
}

/** Never negative: a word that every entry holds says little, but nothing against an entry. */
function rarity(entries: number, holding: number): number {
  return Math.log(1 + (entries - holding + 0.5) / (holding + 0.5));
}

function compareEntries(query: string, a: KnowledgeEntry, b: KnowledgeEntry): number {
  const isQuery = (entry: KnowledgeEntry): number => (foldText(entry.key) === query ? 1 : 0);
  return isQuery(b) - isQuery(a) || b.updatedAt - a.updatedAt || (a.key < b.key ? -1 : a.key > b.key ? 1 : 0);
}
