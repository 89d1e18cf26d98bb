/**
 * Who you are: a guest session, opened by whoever asks, kept by a signed cookie and a record that can be ended.
 *
 * The signature proves that we gave the cookie out, so a request without one costs no storage read; the record proves
 * that the session was not ended since. Both must hold before a request counts as its user's.
 */

export interface Identity {
  readonly userId: string;
}

/** Names one session record. The hash, not the secret itself, so that a copy of the storage opens no session. */
export interface SessionRef {
  readonly userId: string;
  /** Lowercase hexadecimal SHA-256 of the session's secret. */
  readonly secretHash: string;
}

export interface SessionRecord {
  readonly userId: string;
  /** Unix milliseconds. */
  readonly createdAtMs: number;
}

/** Where session records live. Each method is one atomic change. */
export interface SessionStore {
  /** Keeps the record for `limits.sessionTtlSeconds`. */
  put(ref: SessionRef, record: SessionRecord): Promise<void>;
  /** Reads the record and starts its time anew; `undefined` when it was ended or ran out. */
  touch(ref: SessionRef): Promise<SessionRecord | undefined>;
  /** Ends the session; ending one that does not exist changes nothing. */
  remove(ref: SessionRef): Promise<void>;
}
