/** The use cases of API keys: make one, list, rotate and end them, read a presented one. */
import { limits } from "../core/limits.ts";
import type { Clock, Random } from "../core/ports.ts";
import { isWithin, type ApiKey, type ApiKeyStore } from "./api-key.ts";
import { issueKeyToken, newKeyId, readKeyToken } from "./api-key-token.ts";
import type { KeyClaim, NoClaim } from "./claim.ts";
import { isName, userIdOf } from "./derived-identity.ts";
import type { Identity } from "./identity.ts";
import type { Signer } from "./signer.ts";

export interface ShownKey {
  readonly key: ApiKey;
  /** The key itself, which is never shown again. */
  readonly token: string;
}

export type NewKey = Pick<ApiKey, "name" | "scopes" | "isActing" | "expiresAtMs" | "tokensPerDay">;

export interface ApiKeys {
  /** Belongs to `identity`. `undefined` when that user has as many as one may have. Not idempotent. */
  create(identity: Identity, wanted: NewKey): Promise<ShownKey | undefined>;
  list(userId: string): Promise<readonly ApiKey[]>;
  /** A new secret; the one before works for `overlapMs` more. `undefined` when the key is not there, `beyond` when it can do more than `identity`. */
  rotate(identity: Identity, id: string, overlapMs: number): Promise<ShownKey | "beyond" | "busy" | undefined>;
  /** Ends the key at once, with all its secrets. False when it was not there. */
  remove(userId: string, id: string): Promise<boolean>;
  /**
   * What a presented key says, without storage.
   * @param actAs what the user is called in whose name it is used; absent: its owner's.
   */
  claim(token: string, actAs: string | undefined): Promise<NoClaim | KeyClaim>;
}

export interface ApiKeysOptions {
  readonly store: ApiKeyStore;
  readonly signer: Signer;
  readonly clock: Clock;
  readonly random: Random;
}

export function createApiKeys(options: ApiKeysOptions): ApiKeys {
  const { store, clock, random, signer } = options;
  return {
    async create({ userId, tenant }, wanted) {
      const id = newKeyId(random);
      const fields = { keyId: id, isActing: wanted.isActing, userId, tenant };
      const { token, secretHash } = await issueKeyToken(options, fields);
      const secrets = [{ hash: secretHash }];
      const key = { id, userId, tenant, ...wanted, createdAtMs: clock.now(), revision: 1, secrets };
      return (await store.add(key)) === "added" ? { key, token } : undefined;
    },
    list: (userId) => store.list(userId),
    async rotate(identity, id, overlapMs) {
      const before = (await store.list(identity.userId)).find((key) => key.id === id);
      if (before === undefined) return undefined;
      if (!isWithin(before, identity)) return "beyond";
      const { token, secretHash } = await issueKeyToken(options, { ...before, keyId: id });
      const secrets = [{ hash: secretHash }, ...olderSecrets(before, overlapMs, clock.now())];
      const key = { ...before, revision: before.revision + 1, secrets };
      if (key.secrets.length > limits.keySecretsMax) return "busy";
      return (await store.replace(key)) ? { key, token } : "busy";
    },
    remove: (userId, id) => store.remove(userId, id),
    async claim(token, actAs) {
      const read = await readKeyToken(signer, token);
      if (read === undefined) return { kind: "forged" };
      const { userId: ownerId, keyId, secretHash, tenant, isActing } = read;
      const ref = { ownerId, keyId, secretHash };
      if (actAs === undefined) return { kind: "key", userId: ownerId, ref };
      if (!isActing || !isName(actAs)) return { kind: "forged" };
      return { kind: "key", userId: await userIdOf(tenant, actAs), ref };
    },
  };
}

/** Those that still work, none longer than it was said before. */
function olderSecrets({ secrets }: ApiKey, overlapMs: number, nowMs: number): ApiKey["secrets"] {
  return secrets
    .map(({ hash, expiresAtMs = nowMs + overlapMs }) => ({ hash, expiresAtMs }))
    .filter(({ expiresAtMs }) => expiresAtMs > nowMs);
}
