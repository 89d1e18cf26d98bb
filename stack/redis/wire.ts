/** A byte pipe to one Redis connection, whatever carries it. */
export interface Wire {
  write(bytes: Buffer): void;
  /** Idempotent; `closed` of the events is not called for it. */
  close(): void;
}

export interface WireEvents {
  /** The chunk belongs to the receiver. */
  bytes(chunk: Buffer): void;
  /** The other side went away. Called at most once. */
  closed(cause: Error): void;
}

/** Opens one more connection to the same database. */
export type Dial = (events: WireEvents) => Promise<Wire>;
