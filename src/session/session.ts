/**
 * A session: kept by a signed cookie and a record that can be ended.
 *
 * The signature proves that we gave the cookie out, so a request without one costs no storage read; the record proves
 * that the session was not ended since. Both must hold before a request counts as its user's.
 */
import type { Identity } from "./identity.ts";

/** Names one session record. The hash, not the secret itself, so that a copy of the storage opens no session. */
export interface SessionRef {
  readonly userId: string;
  /** Lowercase hexadecimal SHA-256 of the session's secret. */
  readonly secretHash: string;
}

export interface SessionRecord extends Identity {
  /** Unix milliseconds. */
  readonly createdAtMs: number;
}

export interface ListedSession extends SessionRecord {
  readonly ref: SessionRef;
}

/** Where session records live. Each method is one atomic change. */
export interface SessionStore {
  /** Keeps the record for `limits.sessionTtlSeconds`; of more than `limits.sessionsPerUserMax` of a user the oldest are ended. */
  put(ref: SessionRef, record: SessionRecord): Promise<void>;
  /** Reads the record, and with `isExtending` starts its time anew; `undefined` when it was ended or ran out. */
  read(ref: SessionRef, isExtending: boolean): Promise<SessionRecord | undefined>;
  /** The user's sessions, newest first. */
  list(userId: string): Promise<readonly ListedSession[]>;
  /** Ends sessions of one user; ending one that does not exist changes nothing. */
  remove(userId: string, secretHashes: readonly string[]): Promise<void>;
}
