/**
 * API keys in Redis: one hash per user, without expiry: a key that has ended is shown until it is removed. Beside each key stands its revision, by which a
 * change finds out that another came first: the keys themselves may be sealed, and look different each time.
 */
import * as z from "zod/mini";
import { limits } from "../core/limits.ts";
import { identityOfKey, type ApiKey, type ApiKeyStore } from "../session/api-key.ts";
import type { KeyClaim } from "../session/claim.ts";
import type { Identity } from "../session/identity.ts";
import { scopes } from "../session/scope.ts";
import type { Batch, RedisClient } from "./batch.ts";
import { apiKeysKey } from "./keys.ts";
import { readInteger, readPairs, readText } from "./reply.ts";
import { defineScript, type Script } from "./script.ts";

/** KEYS: keys. ARGV: id, key, most keys. Counting and setting must be one change, or two requests at once pass the limit. */
const addScript = defineScript(
  `#!lua flags=allow-key-locking
if redis.call("HLEN", KEYS[1]) >= 2 * tonumber(ARGV[3]) then return 0 end
redis.call("HSET", KEYS[1], ARGV[1], ARGV[2], ARGV[1] .. "#", 1)
return 1
`,
  { sealed: [{ first: 1, key: 0, field: 0 }], calls: (reply) => (reply === 0 ? 1 : 2) },
);

/** KEYS: keys. ARGV: id, key, revision before. 0 when it has another revision, or is not there. */
const replaceScript = defineScript(
  `#!lua flags=allow-key-locking
if redis.call("HGET", KEYS[1], ARGV[1] .. "#") ~= ARGV[3] then return 0 end
redis.call("HSET", KEYS[1], ARGV[1], ARGV[2], ARGV[1] .. "#", ARGV[3] + 1)
return 1
`,
  { sealed: [{ first: 1, key: 0, field: 0 }], calls: (reply) => (reply === 0 ? 1 : 2) },
);

const expiresAtMs = z.optional(z.number());
const StoredKey = z.object({
  id: z.string(),
  name: z.string(),
  userId: z.string(),
  tenant: z.string(),
  scopes: z.array(z.enum(scopes)),
  isActing: z.boolean(),
  createdAtMs: z.number(),
  revision: z.number(),
  expiresAtMs,
  tokensPerDay: z.optional(z.number()),
  secrets: z.array(z.object({ hash: z.string(), expiresAtMs })),
});

export function upstashApiKeyStore(redis: RedisClient): ApiKeyStore {
  async function runScript(script: Script, userId: string, args: readonly (string | number)[]): Promise<boolean> {
    let changed: Promise<number> | undefined;
    await redis.run((batch) => void (changed = script.evalsha(batch, [apiKeysKey(userId)], args, readInteger)));
    return (await changed) === 1;
  }

  return {
    add: async (key) =>
      (await runScript(addScript, key.userId, [key.id, JSON.stringify(key), limits.keysPerUserMax])) ? "added" : "full",
    list: (userId) =>
      redis.command(["HGETALL", apiKeysKey(userId)], (reply) =>
        [...readPairs(reply)]
          .flatMap(([field, text]) => (field.endsWith("#") ? [] : (parseKey(text) ?? [])))
          .toSorted((a, b) => b.createdAtMs - a.createdAtMs || (a.id < b.id ? -1 : 1)),
      ),
    replace: (key) => runScript(replaceScript, key.userId, [key.id, JSON.stringify(key), String(key.revision - 1)]),
    remove: async (userId, id) => (await redis.command(["HDEL", apiKeysKey(userId), id, `${id}#`], readInteger)) === 2,
  };
}

/** Who comes by a presented key, as part of a larger batch: one command. */
export async function keyPart(batch: Batch, claim: KeyClaim, nowMs: number): Promise<Identity | undefined> {
  const { ownerId, keyId, secretHash } = claim.ref;
  const text = await batch.add(["HGET", apiKeysKey(ownerId), keyId], readText);
  const key = text === undefined ? undefined : parseKey(text);
  return key && identityOfKey(key, { secretHash, userId: claim.userId }, nowMs);
}

/** `undefined` also for one that this version does not understand: nobody comes by it. */
function parseKey(text: string): ApiKey | undefined {
  try {
    const parsed = StoredKey.safeParse(JSON.parse(text));
    return parsed.success ? parsed.data : undefined;
  } catch {
    return undefined;
  }
}
