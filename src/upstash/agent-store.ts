/**
 * Agents in Redis: one hash per user, without expiry. With an agent stand its secrets, in a field that is taken out before it is shown to anybody. Beside an agent that
 * was changed stands when, in clear, by which a change finds out that another came first: the agents themselves may be sealed, and look different each time.
 */
import { agentLimits, StoredAgent, type Agent, type AgentStore, type Replaced } from "../agent/run/agent.ts";
import type { McpHeaders } from "../tool/remote-server.ts";
import type { RedisClient } from "./batch.ts";
import { agentsKey } from "./keys.ts";
import { readInteger, readPairs, readText } from "./reply.ts";
import { defineScript, type Script } from "./script.ts";

const sealed = [{ first: 1, key: 0, field: 0 }];

/** KEYS: agents. ARGV: id, agent, most agents. Counting and setting must be one change, or two requests at once pass the limit. */
const addScript = defineScript(
  `#!lua flags=allow-key-locking
local agents = 0
for _, field in ipairs(redis.call("HKEYS", KEYS[1])) do
  if string.sub(field, -1) ~= "#" then agents = agents + 1 end
end
if agents >= tonumber(ARGV[3]) then return -1 end
return redis.call("HSETNX", KEYS[1], ARGV[1], ARGV[2])
`,
  { sealed, calls: (reply) => (reply === -1 ? 1 : 2) },
);

/**
 * KEYS: agents. ARGV: id, agent, its `updatedAt`, that of the agent before. -1 when it is not there: a change must not bring back what was removed meanwhile; 0 when
 * another change came first. One that was never changed has no time beside it, and whoever read it has read it as it is.
 */
const replaceScript = defineScript(
  `#!lua flags=allow-key-locking
local kept = redis.call("HMGET", KEYS[1], ARGV[1], ARGV[1] .. "#")
if not kept[1] then return -1 end
if kept[2] and kept[2] ~= ARGV[4] then return 0 end
redis.call("HSET", KEYS[1], ARGV[1], ARGV[2], ARGV[1] .. "#", ARGV[3])
return 1
`,
  { sealed, calls: (reply) => (reply === 1 ? 2 : 1) },
);

export function upstashAgentStore(redis: RedisClient): AgentStore {
  async function runScript(script: Script, userId: string, args: readonly (string | number)[]): Promise<number> {
    let answer: Promise<number> | undefined;
    await redis.run((batch) => {
      answer = script.evalsha(batch, [agentsKey(userId)], args, readInteger);
    });
    return answer!;
  }

  return {
    add: async (userId, agent, mcpHeaders) =>
      (await runScript(addScript, userId, [agent.id, textOf(agent, mcpHeaders), agentLimits.agentsPerUserMax])) === 1
        ? "added"
        : "full",
    get: (userId, agentId) =>
      redis.command(["HGET", agentsKey(userId), agentId], (reply) => parse(readText(reply))?.agent),
    mcpHeaders: (userId, agentId) =>
      redis.command(["HGET", agentsKey(userId), agentId], (reply) => parse(readText(reply))?.mcpHeaders),
    list: (userId) =>
      redis.command(["HGETALL", agentsKey(userId)], (reply) =>
        [...readPairs(reply)]
          .flatMap(([field, text]) => (field.endsWith("#") ? [] : (parse(text)?.agent ?? [])))
          .toSorted((a, b) => b.createdAt - a.createdAt || (a.id < b.id ? -1 : 1)),
      ),
    async replace(userId, { agent, mcpHeaders, before }) {
      const args = [agent.id, textOf(agent, mcpHeaders), String(agent.updatedAt), String(before.updatedAt)];
      return replacedBy(await runScript(replaceScript, userId, args));
    },
    remove: async (userId, agentId) =>
      (await redis.command(["HDEL", agentsKey(userId), agentId, `${agentId}#`], readInteger)) > 0,
  };
}

function replacedBy(answer: number): Replaced {
  if (answer === -1) return "missing";
  return answer === 1 ? "replaced" : "changed-meanwhile";
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
