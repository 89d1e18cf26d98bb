/**
 * What an agent knows about its user: entries of key, value and tags, without expiry.
 *
 * K1 An entry is replaced as a whole; two writers at once leave one of the two, never a mixture.
 * K2 A vector belongs to one version of its entry. One that belongs to another is as good as none: it is made anew by the next search that needs it.
 */
import * as z from "zod/mini";
import type { JsonValue } from "../core/json.ts";
import { limits } from "../core/limits.ts";
import type { Vector } from "./vector.ts";

/** Ids are validated before they come here. */
export interface KnowledgeOwner {
  readonly userId: string;
  readonly agentId: string;
}

export interface KnowledgeEntry {
  readonly key: string;
  readonly value: JsonValue;
  readonly tags: readonly string[];
  /** Unix ms. */
  readonly updatedAt: number;
}

/** An entry as it is stored. */
export interface VersionedEntry extends KnowledgeEntry {
  /** Another one with each write. */
  readonly version: string;
}

/** What an entry means, as far as a model could say. */
export interface EntryVector {
  /** The version of the entry that it was made from. */
  readonly version: string;
  /** The embedding model, with whatever else decides what its numbers mean. */
  readonly model: string;
  readonly vector: Vector;
}

export interface KnowledgeLoad {
  /** By key. */
  readonly entries: readonly VersionedEntry[];
  /** By key; those of entries that are gone or were replaced may be among them. */
  readonly vectors: ReadonlyMap<string, EntryVector>;
}

/** Where knowledge lives. Each method is one atomic change or read; safe to repeat. */
export interface KnowledgeStore {
  /**
   * Puts the entry, and its vector where there is one. `full` when it would be one too many (`limits.knowledgeEntriesMax`); nothing changes then.
   * 1 round trip; 3 billed commands, 1 more for a new entry, 1 more with a vector.
   */
  put(owner: KnowledgeOwner, entry: VersionedEntry, vector: EntryVector | undefined): Promise<"stored" | "full">;
  /** 1 billed command. */
  get(owner: KnowledgeOwner, key: string): Promise<VersionedEntry | undefined>;
  /** In the order of the keys; what is not there is left out. 1 billed command. */
  getMany(owner: KnowledgeOwner, keys: readonly string[]): Promise<VersionedEntry[]>;
  /** In the order of code units. 1 billed command. */
  keys(owner: KnowledgeOwner): Promise<string[]>;
  /** 1 round trip; 1 billed command, 2 with vectors. */
  load(owner: KnowledgeOwner, o: { readonly withVectors: boolean }): Promise<KnowledgeLoad>;
  /** For entries that are there already. 1 billed command. */
  putVectors(owner: KnowledgeOwner, vectors: ReadonlyMap<string, EntryVector>): Promise<void>;
  /** 1 billed command. */
  dropVectors(owner: KnowledgeOwner, keys: readonly string[]): Promise<void>;
  /** False when it is not there. 1 round trip, 2 billed commands. */
  remove(owner: KnowledgeOwner, key: string): Promise<boolean>;
  /** All that an agent knows. 1 round trip, 2 billed commands. */
  forget(owner: KnowledgeOwner): Promise<void>;
  /** The agents of a user that know something, or did. 1 billed command. */
  agents(userId: string): Promise<string[]>;
}

/** A key is 1 to 128 characters without control characters. `.` and `..` cannot be said in a URL. */
export function isKnowledgeKey(value: unknown): value is string {
  return (
    typeof value === "string" &&
    value.length >= 1 &&
    value.length <= limits.knowledgeKeyCharsMax &&
    value.isWellFormed() &&
    !/\p{Cc}/u.test(value) &&
    value !== "." &&
    value !== ".."
  );
}

/** What a value takes as JSON; at most `limits.knowledgeValueBytesMax` are kept. */
export function valueBytes(value: JsonValue): number {
  return new TextEncoder().encode(JSON.stringify(value)).byteLength;
}

const storedSchema = z.object({ value: z.unknown(), tags: z.array(z.string()), updatedAt: z.number() });

/** `<version> <json>`: the version can be compared without parsing. */
export function formatEntry({ version, value, tags, updatedAt }: VersionedEntry): string {
  return `${version} ${JSON.stringify({ value, tags, updatedAt })}`;
}

/** `undefined` for what this version does not understand: it is left out, never guessed. */
export function parseEntry(key: string, text: string): VersionedEntry | undefined {
  const end = text.indexOf(" ");
  try {
    const { value, tags, updatedAt } = storedSchema.parse(JSON.parse(text.slice(end + 1)));
    return { key, value: value as JsonValue, tags, updatedAt, version: text.slice(0, Math.max(end, 0)) };
  } catch {
    return undefined;
  }
}
