/** Agents in Redis: one hash per user, without expiry. With an agent stand its secrets, in a field that is taken out before it is shown to anybody. */
import { agentLimits, StoredAgent, type Agent, type AgentStore } from "../agent/run/agent.ts";
import type { McpHeaders } from "../tool/remote-server.ts";
import type { RedisClient } from "./batch.ts";
import { agentsKey } from "./keys.ts";
import { readInteger, readPairs, readText } from "./reply.ts";
import { defineScript } from "./script.ts";

const sealed = [{ first: 1, key: 0, field: 0 }];

/** Counting and setting must be one change, or two requests at once pass the limit. */
const addScript = defineScript(
  `#!lua flags=allow-key-locking
if redis.call("HLEN", KEYS[1]) >= tonumber(ARGV[3]) then return -1 end
return redis.call("HSETNX", KEYS[1], ARGV[1], ARGV[2])
`,
  { sealed, calls: (reply) => (reply === -1 ? 1 : 2) },
);

/** A change must not bring back what was removed meanwhile. */
const replaceScript = defineScript(
  `#!lua flags=allow-key-locking
if redis.call("HEXISTS", KEYS[1], ARGV[1]) == 0 then return 0 end
redis.call("HSET", KEYS[1], ARGV[1], ARGV[2])
return 1
`,
  { sealed, calls: (reply) => (reply === 0 ? 1 : 2) },
);

export function upstashAgentStore(redis: RedisClient): AgentStore {
  async function runScript(
    script: typeof addScript,
    userId: string,
    args: readonly (string | number)[],
  ): Promise<boolean> {
    let changed: Promise<number> | undefined;
    await redis.run((batch) => {
      changed = script.evalsha(batch, [agentsKey(userId)], args, readInteger);
    });
    return (await changed) === 1;
  }

  return {
    add: async (userId, agent, mcpHeaders) =>
      (await runScript(addScript, userId, [agent.id, textOf(agent, mcpHeaders), agentLimits.agentsPerUserMax]))
        ? "added"
        : "full",
    get: (userId, agentId) =>
      redis.command(["HGET", agentsKey(userId), agentId], (reply) => parse(readText(reply))?.agent),
    mcpHeaders: (userId, agentId) =>
      redis.command(["HGET", agentsKey(userId), agentId], (reply) => parse(readText(reply))?.mcpHeaders),
    list: (userId) =>
      redis.command(["HGETALL", agentsKey(userId)], (reply) =>
        [...readPairs(reply).values()]
          .flatMap((text) => parse(text)?.agent ?? [])
          .toSorted((a, b) => b.createdAt - a.createdAt || (a.id < b.id ? -1 : 1)),
      ),
    replace: (userId, agent, mcpHeaders) => runScript(replaceScript, userId, [agent.id, textOf(agent, mcpHeaders)]),
    remove: async (userId, agentId) => (await redis.command(["HDEL", agentsKey(userId), agentId], readInteger)) === 1,
  };
}

function textOf(agent: Agent, mcpHeaders: McpHeaders = {}): string {
  return JSON.stringify(Object.keys(mcpHeaders).length === 0 ? agent : { ...agent, mcpHeaders });
}

interface Parsed {
  readonly agent: Agent;
  readonly mcpHeaders: McpHeaders;
}

/** `undefined` also for one that this version does not understand. */
function parse(text: string | undefined): Parsed | undefined {
  if (text === undefined) return undefined;
  try {
    const { mcpHeaders = {}, ...agent } = JSON.parse(text) as { mcpHeaders?: McpHeaders };
    const parsed = StoredAgent.safeParse(agent);
    return parsed.success ? { agent: parsed.data, mcpHeaders } : undefined;
  } catch {
    return undefined;
  }
}
