/** Facts in Redis: one hash per user and agent, without expiry. */
import { limits } from "../core/limits.ts";
import type { Fact, FactOwner, FactStore } from "../tool/fact-store.ts";
import type { RedisClient } from "./batch.ts";
import { knowledgeKey } from "./keys.ts";
import { readInteger, readText, readTexts } from "./reply.ts";
import { defineScript } from "./script.ts";

/** Counting and setting must be one change, or two calls at once pass the limit. Three calls at most. */
const rememberScript = defineScript(`#!lua flags=allow-key-locking
local isNew = redis.call("HEXISTS", KEYS[1], ARGV[1]) == 0
if isNew and redis.call("HLEN", KEYS[1]) >= tonumber(ARGV[3]) then return 0 end
redis.call("HSET", KEYS[1], ARGV[1], ARGV[2])
return 1
`);

export function upstashFactStore(redis: RedisClient): FactStore {
  return {
    async remember(owner, { key, value }) {
      let isKept: Promise<number> | undefined;
      await redis.run((batch) => {
        isKept = rememberScript.evalsha(batch, [keyOf(owner)], [key, value, limits.factsPerAgentMax], readInteger);
      });
      return (await isKept) === 1 ? "remembered" : "full";
    },
    recall: (owner, key) => redis.command(["HGET", keyOf(owner), key], readText),
    list: (owner) => redis.command(["HGETALL", keyOf(owner)], readFacts),
  };
}

/** Over HTTP a hash comes as a flat list of field, value, field, value. */
function readFacts(reply: unknown): Fact[] {
  const texts = readTexts(reply);
  const facts: Fact[] = [];
  for (let index = 0; index + 1 < texts.length; index += 2)
    facts.push({ key: texts[index]!, value: texts[index + 1]! });
  return facts.toSorted((a, b) => (a.key < b.key ? -1 : 1));
}

function keyOf({ userId, agentId }: FactOwner): string {
  return knowledgeKey(userId, agentId);
}
