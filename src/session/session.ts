/**
 * A session: kept by a signed cookie and a record that can be ended.
 *
 * The signature proves that we gave the cookie out, so a request without one costs no storage read; the record proves
 * that the session was not ended since. Both must hold before a request counts as its user's.
 */
import { limits } from "../core/limits.ts";
import type { Identity } from "./identity.ts";

/** Names one session record. The hash, not the secret itself, so that a copy of the storage opens no session. */
export interface SessionRef {
  readonly userId: string;
  /** Lowercase hexadecimal SHA-256 of the session's secret. */
  readonly secretHash: string;
}

const hourSeconds = 3600;

/**
 * When a session that is in use at a time (unix ms) ends: a whole hour in unix seconds, `limits.sessionTtlSeconds` away or up to an hour more. However many requests
 * extend a session, its end so moves at most once an hour.
 */
export function extendedEndSeconds(inUseAtMs: number): number {
  return Math.ceil((inUseAtMs / 1000 + limits.sessionTtlSeconds) / hourSeconds) * hourSeconds;
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
  /** Reads the record, and with a time (unix ms) at which it is in use extends it to `extendedEndSeconds` of that; `undefined` when it was ended or ran out. */
  read(ref: SessionRef, inUseAtMs?: number): Promise<SessionRecord | undefined>;
  /** The user's sessions, newest first. */
  list(userId: string): Promise<readonly ListedSession[]>;
  /** Ends sessions of one user; ending one that does not exist changes nothing. */
  remove(userId: string, secretHashes: readonly string[]): Promise<void>;
}
