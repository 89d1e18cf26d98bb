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
  /** Sets a fact, replacing an earlier value. `full` when a new key would pass `limits.factsPerAgentMax`; nothing changes then. */
  remember(owner: FactOwner, fact: Fact): Promise<"remembered" | "full">;
  /** The value, or `undefined` when nothing is known under this key. */
  recall(owner: FactOwner, key: string): Promise<string | undefined>;
  /** All facts, ordered by key. */
  list(owner: FactOwner): Promise<Fact[]>;
}
