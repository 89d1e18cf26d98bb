/**
 * API keys: for programs, made by a user for themselves, or by an operator of a tenant to act for its users.
 *
 * A key is shown once; what is kept is the hash of its secret. It says by itself whose it is, under our signature: so a made-up one costs no
 * look-up, and a real one no round trip more than a session.
 */
import type { Identity } from "./identity.ts";
import type { Scope } from "./scope.ts";

export interface ApiKey {
  readonly id: string;
  readonly name: string;
  readonly userId: string;
  readonly tenant: string;
  readonly scopes: readonly Scope[];
  /** Whether it may be used in the name of other users of its tenant. */
  readonly isActing: boolean;
  /** Unix milliseconds. */
  readonly createdAtMs: number;
  /** Absent: it does not end by itself. */
  readonly expiresAtMs?: number | undefined;
  /** Model tokens that a user may have spent today for this key to be of use to them; absent: no other than everybody's. */
  readonly tokensPerDay?: number | undefined;
  /** 1 for a new key; one more with each change. */
  readonly revision: number;
  /** The newest first; older ones until their end. */
  readonly secrets: readonly KeySecret[];
}

export interface KeySecret {
  /** Lowercase hexadecimal SHA-256. */
  readonly hash: string;
  readonly expiresAtMs?: number | undefined;
}

/** Where keys live. Each method is one atomic change. */
export interface ApiKeyStore {
  /** `full` when the user has `limits.keysPerUserMax`. */
  add(key: ApiKey): Promise<"added" | "full">;
  /** The user's keys, newest first, those that have ended included. */
  list(userId: string): Promise<readonly ApiKey[]>;
  /** False when what is kept is not the revision before this one. */
  replace(key: ApiKey): Promise<boolean>;
  /** False when it was not there. */
  remove(userId: string, id: string): Promise<boolean>;
}

/** A presented key, as far as it says itself. */
export interface KeyRef {
  readonly ownerId: string;
  readonly keyId: string;
  readonly secretHash: string;
}

/** Who may come by this secret of the key, in the name of `userId`; `undefined` for one that has ended. */
export function identityOfKey(
  key: ApiKey,
  { secretHash, userId }: { readonly secretHash: string; readonly userId: string },
  nowMs: number,
): Identity | undefined {
  const isOver = (atMs: number | undefined): boolean => atMs !== undefined && atMs <= nowMs;
  const secret = key.secrets.find(({ hash }) => hash === secretHash);
  if (secret === undefined || isOver(secret.expiresAtMs) || isOver(key.expiresAtMs)) return undefined;
  if (userId !== key.userId && !key.isActing) return undefined;
  const { tenant, scopes, tokensPerDay, expiresAtMs } = key;
  return {
    userId,
    tenant,
    scopes,
    ...(tokensPerDay === undefined ? {} : { tokensPerDay }),
    ...(expiresAtMs === undefined ? {} : { endsAtMs: expiresAtMs }),
  };
}

/** Whether whoever holds the key can do no more by it than `identity` can: else it is not theirs to be shown a secret of it. */
export function isWithin(
  key: Pick<ApiKey, "scopes" | "isActing" | "tokensPerDay" | "expiresAtMs">,
  { scopes, tokensPerDay, endsAtMs }: Identity,
): boolean {
  const atMost = (own = Infinity, most = Infinity): boolean => own <= most;
  return (
    key.scopes.every((scope) => scopes.includes(scope)) &&
    (!key.isActing || scopes.includes("admin")) &&
    atMost(key.tokensPerDay, tokensPerDay) &&
    atMost(key.expiresAtMs, endsAtMs)
  );
}
