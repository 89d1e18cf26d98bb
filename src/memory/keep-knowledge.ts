import type { JsonValue } from "../core/json.ts";
import type { Clock, Log, Random } from "../core/ports.ts";
import { textOfValue } from "./rank-text.ts";
import type { Embedder } from "./embedder.ts";
import type { EntryVector, KnowledgeEntry, KnowledgeOwner, KnowledgeStore, VersionedEntry } from "./knowledge.ts";
import { quantise } from "./vector.ts";

export interface KnowledgeParts {
  readonly store: KnowledgeStore;
  /** Absent where nothing can say what a text means. */
  readonly embedder: Embedder | undefined;
  readonly clock: Clock;
  readonly random: Random;
  readonly log: Log;
}

export type KeepOutcome = { readonly kind: "kept"; readonly entry: KnowledgeEntry } | { readonly kind: "full" };

/**
 * Keeps the entry in the place of the one with its key. An embedding endpoint that fails does not stop it: the entry is there at once, and the next search by
 * meaning catches up on its vector. 1 round trip, 3 to 5 billed commands, and 1 request to the embedding endpoint where there is one.
 */
export async function keepKnowledge(
  parts: KnowledgeParts,
  owner: KnowledgeOwner,
  given: { readonly key: string; readonly value: JsonValue; readonly tags: readonly string[] },
  signal: AbortSignal,
): Promise<KeepOutcome> {
  const version = parts.random.uuid();
  const stored: VersionedEntry = { ...given, updatedAt: parts.clock.now(), version };
  const vector = await vectorOf(parts, stored, signal);
  if ((await parts.store.put(owner, stored, vector)) === "full") return { kind: "full" };
  return { kind: "kept", entry: entryOf(stored) };
}

async function vectorOf(
  { embedder, log }: KnowledgeParts,
  entry: VersionedEntry,
  signal: AbortSignal,
): Promise<EntryVector | undefined> {
  if (embedder === undefined) return undefined;
  try {
    const [vector] = await embedder.embed([embeddedText(entry)], signal);
    return vector === undefined
      ? undefined
      : { version: entry.version, model: embedder.model, vector: quantise(vector) };
  } catch (cause) {
    signal.throwIfAborted();
    log.warn("an entry of knowledge is kept without its vector", { cause });
    return undefined;
  }
}

/** The text that stands for an entry. */
export function embeddedText({ key, value, tags }: KnowledgeEntry): string {
  return [`${key}: ${textOfValue(value)}`, ...tags].join("\n");
}

/** What an owner sees of an entry. */
export function entryOf({ key, value, tags, updatedAt }: KnowledgeEntry): KnowledgeEntry {
  return { key, value, tags, updatedAt };
}
