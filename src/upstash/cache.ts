/** The cache in Redis: a text, the claim of who computes it, and a number for each invalidated tag. All of it expires. */
import type { CachePlace, CacheStore } from "../cache/cache-store.ts";
import type { Random } from "../core/ports.ts";
import type { RedisClient } from "./batch.ts";
import { cacheClaimKey, cacheTagKey, cacheValueKey } from "./keys.ts";
import { readableOrNone, readInteger, readNothing, readText } from "./reply.ts";
import { runOne } from "./run-one.ts";
import { defineScript } from "./script.ts";

/** KEYS: value, claim. ARGV: token, text, ms. Whoever has lost the claim changes nothing. Answers how many calls it made. */
const fillScript = defineScript(
  `#!lua flags=allow-key-locking
if redis.call('GET', KEYS[2]) ~= ARGV[1] then return 1 end
redis.call('SET', KEYS[1], ARGV[2], 'PX', ARGV[3])
redis.call('DEL', KEYS[2])
return 3
`,
  { calls: Number, sealed: [{ first: 1, key: 0 }] },
);

/** KEYS: claim. ARGV: token. Answers how many calls it made. */
const releaseScript = defineScript(
  `#!lua flags=allow-key-locking
if redis.call('GET', KEYS[1]) ~= ARGV[1] then return 1 end
redis.call('DEL', KEYS[1])
return 2
`,
  { calls: Number },
);

export function upstashCacheStore(redis: RedisClient, random: Random): CacheStore {
  async function read(place: CachePlace, claim?: readonly (string | number)[]) {
    let claimed: Promise<string | undefined> | undefined;
    let found: Promise<{ text: string | undefined; stamp: string }> | undefined;
    await redis.run((batch) => {
      if (claim !== undefined) claimed = batch.add(claim, readText);
      found = batch.add(readCommand(place), readFound);
    });
    // A text that cannot be opened is computed again; its tags are not known then, and an empty stamp fits no tag that was invalidated.
    const { text, stamp } = (await readableOrNone(found!)) ?? { text: undefined, stamp: "" };
    return { text, stamp, isMine: (await claimed) === "OK" };
  }

  return {
    async read(place) {
      const { text, stamp } = await read(place);
      return { text, stamp };
    },
    claim: (place, token, leaseMs) => read(place, ["SET", cacheClaimKey(place), token, "NX", "PX", leaseMs]),
    async complete(place, token, text, ttlMs) {
      const keys = [cacheValueKey(place), cacheClaimKey(place)];
      return (await runOne(redis, (batch) => fillScript.evalsha(batch, keys, [token, text, ttlMs], readInteger))) === 3;
    },
    async release(place, token) {
      await runOne(redis, (batch) => releaseScript.evalsha(batch, [cacheClaimKey(place)], [token], readInteger));
    },
    async put(place, text, ttlMs) {
      await redis.atomic((batch) => {
        void batch.add(["SET", cacheValueKey(place), text, "PX", ttlMs], readNothing);
        void batch.add(["DEL", cacheClaimKey(place)], readNothing);
      });
    },
    forget: (place) => redis.command(["DEL", cacheValueKey(place), cacheClaimKey(place)], readNothing),
    forgetTag: (tag, keepMs) =>
      // A number: what an expired tag meant once never comes back.
      redis.command(["SET", cacheTagKey(tag), randomNumber(random), "PX", keepMs], readNothing),
  };
}

function readCommand(place: CachePlace): readonly string[] {
  const tags = (place.tags ?? []).map((tag) => cacheTagKey({ ...place, tag }));
  return ["MGET", cacheValueKey(place), ...tags];
}

function readFound(reply: unknown): { text: string | undefined; stamp: string } {
  const [text, ...stamps] = (reply as readonly unknown[]).map(readText);
  return { text, stamp: stamps.map((stamp) => stamp ?? "").join(",") };
}

/** Of 48 bits. */
function randomNumber(random: Random): number {
  return random.bytes(6).reduce((sum, byte) => sum * 256 + byte, 0);
}
