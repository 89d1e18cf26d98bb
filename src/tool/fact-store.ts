/** Whose facts: what one agent knows about one user. */
export interface FactOwner {
  readonly userId: string;
  readonly agentId: string;
}

export interface Fact {
  readonly key: string;
  readonly value: string;
}

/** What agents remember, without expiry. Each method is one atomic change or read. */
export interface FactStore {
  /**
   * Sets a fact, replacing an earlier value. `full` when a new key would pass `limits.knowledgeEntriesMax`, `unusable` when the key
   * can be none or the value is too large; nothing changes then.
   */
  remember(owner: FactOwner, fact: Fact, signal: AbortSignal): Promise<"remembered" | "full" | "unusable">;
  /** The value, or `undefined` when nothing is known under this key. */
  recall(owner: FactOwner, key: string): Promise<string | undefined>;
  /** All facts, ordered by key. */
  list(owner: FactOwner): Promise<Fact[]>;
  /** What fits the words, or means nearly the same where that can be told; the best first, at most `limits.factHitsMax`. */
  search(owner: FactOwner, query: string, signal: AbortSignal): Promise<Fact[]>;
  /** What fits the text, as `search` has it, then the others in the order of their keys; at most `count`. */
  nearest(owner: FactOwner, text: string, count: number, signal: AbortSignal): Promise<Fact[]>;
}
