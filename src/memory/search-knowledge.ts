/**
 * Finds what an agent knows: by words, by meaning, or by both.
 *
 * The search by meaning is exact: the query is compared with every entry. Entries whose vector is missing, belongs to an older version, or was made by another model
 * get one on the way, at most `limits.embeddingsPerSearchMax` of them; what is left is found by words only, and by meaning with one of the next searches.
 */
import { AppError } from "../core/errors.ts";
import { limits } from "../core/limits.ts";
import type { Embedder } from "./embedder.ts";
import { embeddedText, entryOf, type KnowledgeParts } from "./keep-knowledge.ts";
import type { EntryVector, KnowledgeEntry, KnowledgeLoad, KnowledgeOwner, VersionedEntry } from "./knowledge.ts";
import { rankByText, type Ranked } from "./rank-text.ts";
import { quantise, similarity, type Vector } from "./vector.ts";

export interface KnowledgeQuery {
  readonly text: string;
  /** Absent: by both where there is an embedding endpoint that answers, else by words. */
  readonly by?: "text" | "meaning";
  /** Only entries whose key begins so. */
  readonly prefix?: string;
  readonly limit: number;
  /** Where fewer than `limit` fit, others follow in the order of their keys. */
  readonly isFilledUp?: boolean;
}

export interface KnowledgeHits {
  readonly by: "text" | "meaning" | "both";
  readonly hits: readonly Ranked<KnowledgeEntry>[];
  /** Entries that the search by meaning could not see yet. */
  readonly unseen: number;
}

/**
 * 1 round trip and 1 billed command by words; by meaning 2 billed commands and 1 request to the embedding endpoint, and while there are entries without a vector up to
 * 2 requests, 1 round trip and 1 billed command more.
 *
 * @throws no_embedding (refuse) by meaning where nothing is configured that could tell it; what `Embedder` throws, but only when meaning was asked for.
 */
export async function searchKnowledge(
  parts: KnowledgeParts,
  owner: KnowledgeOwner,
  query: KnowledgeQuery,
  signal: AbortSignal,
): Promise<KnowledgeHits> {
  const { embedder } = parts;
  if (embedder === undefined && query.by === "meaning") {
    throw new AppError("no_embedding", "Nothing is configured here that could tell the meaning of a text.");
  }
  const isByMeaning = embedder !== undefined && query.by !== "text";
  const loaded = await parts.store.load(owner, { withVectors: isByMeaning });
  const entries = loaded.entries.filter(({ key }) => key.startsWith(query.prefix ?? ""));
  const byText = (): Ranked<VersionedEntry>[] => rankByText(query.text, entries);
  const answer = (
    by: KnowledgeHits["by"],
    ranked: readonly Ranked<VersionedEntry>[],
    unseen: number,
  ): KnowledgeHits => {
    const shown = query.isFilledUp === true ? [...ranked, ...othersThan(ranked, entries)] : ranked;
    const hits = shown.slice(0, query.limit).map(({ entry, score }) => ({ entry: entryOf(entry), score }));
    return { by, hits, unseen };
  };
  if (!isByMeaning) return answer("text", byText(), 0);
  try {
    const { ranked, unseen } = await rankByMeaning({ ...parts, embedder }, owner, { loaded, entries }, query, signal);
    if (query.by === "meaning") return answer("meaning", ranked, unseen);
    return answer("both", fuse(byText(), ranked), unseen);
  } catch (cause) {
    if (query.by === "meaning" || signal.aborted) throw cause;
    parts.log.warn("a search goes by words alone", { cause });
    return answer("text", byText(), 0);
  }
}

function othersThan(
  ranked: readonly Ranked<VersionedEntry>[],
  entries: readonly VersionedEntry[],
): Ranked<VersionedEntry>[] {
  const keys = new Set(ranked.map(({ entry }) => entry.key));
  return entries.filter(({ key }) => !keys.has(key)).map((entry) => ({ entry, score: 0 }));
}

type MeaningParts = KnowledgeParts & { readonly embedder: Embedder };

interface Searched {
  readonly loaded: KnowledgeLoad;
  /** Those that the query is about. */
  readonly entries: readonly VersionedEntry[];
}

async function rankByMeaning(
  parts: MeaningParts,
  owner: KnowledgeOwner,
  { loaded, entries }: Searched,
  query: KnowledgeQuery,
  signal: AbortSignal,
): Promise<{ ranked: Ranked<VersionedEntry>[]; unseen: number }> {
  const [numbers] = await parts.embedder.embed([query.text], signal);
  const asked = quantise(numbers ?? []);
  const fresh = freshVectors(parts.embedder, loaded, asked);
  const vectors = new Map([...fresh, ...(await catchUp(parts, owner, loaded, fresh, signal))]);
  await forgetOrphans(parts, owner, loaded);
  const ranked = entries
    .flatMap((entry) => {
      const vector = vectors.get(entry.key);
      return vector === undefined ? [] : [{ entry, score: similarity(asked, vector) }];
    })
    .filter(({ score }) => score > 0)
    .toSorted((a, b) => b.score - a.score || (a.entry.key < b.entry.key ? -1 : 1));
  return { ranked, unseen: entries.filter(({ key }) => !vectors.has(key)).length };
}

/** The vectors that can be compared with the question. */
function freshVectors({ model }: Embedder, { entries, vectors }: KnowledgeLoad, asked: Vector): Map<string, Vector> {
  const fresh = new Map<string, Vector>();
  for (const { key, version } of entries) {
    const known = vectors.get(key);
    if (known?.version === version && known.model === model && known.vector.length === asked.length) {
      fresh.set(key, known.vector);
    }
  }
  return fresh;
}

/** Makes vectors for entries that have none. One that cannot be made now is left to the next search. */
async function catchUp(
  parts: MeaningParts,
  owner: KnowledgeOwner,
  { entries }: KnowledgeLoad,
  fresh: ReadonlyMap<string, Vector>,
  signal: AbortSignal,
): Promise<Map<string, Vector>> {
  const missing = entries.filter(({ key }) => !fresh.has(key)).slice(0, limits.embeddingsPerSearchMax);
  const made = new Map<string, EntryVector>();
  try {
    for (let from = 0; from < missing.length; from += limits.embeddingBatchMax) {
      const batch = missing.slice(from, from + limits.embeddingBatchMax);
      for (const [key, vector] of await embedEntries(parts.embedder, batch, signal)) made.set(key, vector);
    }
    if (made.size > 0) await parts.store.putVectors(owner, made);
  } catch (cause) {
    signal.throwIfAborted();
    parts.log.warn("entries of knowledge wait for their vectors", { count: missing.length, cause });
  }
  return new Map([...made].map(([key, { vector }]) => [key, vector]));
}

async function embedEntries(
  { embed, model }: Embedder,
  entries: readonly VersionedEntry[],
  signal: AbortSignal,
): Promise<[string, EntryVector][]> {
  const vectors = await embed(entries.map(embeddedText), signal);
  return entries.map(({ key, version }, index) => [key, { version, model, vector: quantise(vectors[index] ?? []) }]);
}

/** Vectors whose entry was removed while they were being made. */
async function forgetOrphans(
  { store }: KnowledgeParts,
  owner: KnowledgeOwner,
  { entries, vectors }: KnowledgeLoad,
): Promise<void> {
  const known = new Set(entries.map(({ key }) => key));
  const orphans = [...vectors.keys()].filter((key) => !known.has(key));
  if (orphans.length > 0) await store.dropVectors(owner, orphans);
}

/** So much that a first place by one way counts little more than a second one. Source: Cormack, Clarke, Büttcher: reciprocal rank fusion, 2009. */
const fusionOffset = 60;

/** One order of two: what both put far ahead comes first. */
function fuse(
  byText: readonly Ranked<VersionedEntry>[],
  byMeaning: readonly Ranked<VersionedEntry>[],
): Ranked<VersionedEntry>[] {
  const fused = new Map<string, Ranked<VersionedEntry>>();
  for (const ranking of [byText, byMeaning]) {
    for (const [place, { entry }] of ranking.entries()) {
      const score = (fused.get(entry.key)?.score ?? 0) + 1 / (fusionOffset + place + 1);
      fused.set(entry.key, { entry, score });
    }
  }
  return [...fused.values()].toSorted((a, b) => b.score - a.score || (a.entry.key < b.entry.key ? -1 : 1));
}
