/** One suite for the agent store in Redis and its fake. */
import { afterAll, beforeAll, describe, expect, it } from "vitest";
import { agentLimits, type Agent, type AgentStore } from "../../src/agent/run/agent.ts";
import { Secret } from "../../src/core/secret.ts";
import { upstashAgentStore } from "../../src/upstash/agent-store.ts";
import { upstashClient } from "../../src/upstash/batch.ts";
import { agentsKey } from "../../src/upstash/keys.ts";
import { readInteger } from "../../src/upstash/reply.ts";
import { startStack, type RunningStack } from "../../stack/start-stack.ts";
import { memoryAgentStore } from "../fakes/memory-agent-store.ts";

let stack: RunningStack;

beforeAll(async () => {
  stack = await startStack();
});
afterAll(async () => {
  await stack.close();
});

const client = () => upstashClient({ url: stack.redisUrl, token: new Secret(stack.redisToken), timeoutMs: 5_000 });
const freshUser = () => `usr_${crypto.randomUUID().replaceAll("-", "")}`;

function agent(id: string, createdAt = 1): Agent {
  return { id, name: `Agent ${id} 雪`, tools: ["calculator"], limits: { steps: 3 }, createdAt, updatedAt: createdAt };
}

const stores: [string, () => AgentStore][] = [
  ["in Redis", () => upstashAgentStore(client())],
  ["in memory", memoryAgentStore],
];

describe.each(stores)("an agent store %s", (_name, open) => {
  it("gives back what was put in, the newest first", async () => {
    const store = open();
    const user = freshUser();
    expect(await store.add(user, agent("a", 1))).toBe("added");
    expect(await store.add(user, agent("b", 2))).toBe("added");
    expect(await store.get(user, "a")).toEqual(agent("a", 1));
    expect(await store.list(user)).toEqual([agent("b", 2), agent("a", 1)]);
    expect(await store.get(freshUser(), "a")).toBeUndefined();
  });

  it("holds as many as a user may have, also when they come at once", async () => {
    const store = open();
    const user = freshUser();
    const ids = Array.from({ length: agentLimits.agentsPerUserMax + 5 }, (_agent, index) => `a${index}`);
    const answers = await Promise.all(ids.map((id) => store.add(user, agent(id))));
    expect(answers.filter((answer) => answer === "added")).toHaveLength(agentLimits.agentsPerUserMax);
    expect(await store.list(user)).toHaveLength(agentLimits.agentsPerUserMax);
  });

  it("changes and removes what is there, and nothing else", async () => {
    const store = open();
    const user = freshUser();
    await store.add(user, agent("a"));
    const before = agent("a");
    expect(await store.replace(user, { agent: { ...before, name: "New", updatedAt: 2 }, before })).toBe("replaced");
    expect(await store.get(user, "a")).toMatchObject({ name: "New" });
    expect(await store.list(user)).toHaveLength(1);
    expect(await store.remove(user, "a")).toBe(true);
    expect(await store.remove(user, "a")).toBe(false);
    expect(await store.replace(user, { agent: { ...before, updatedAt: 3 }, before })).toBe("missing");
    expect(await store.list(user)).toEqual([]);
  });

  it("takes one of the changes that were made of the same agent, also when they come at once", async () => {
    const store = open();
    const user = freshUser();
    await store.add(user, agent("a"));
    let before = agent("a");
    for (const round of ["first", "second"]) {
      const made = ["x", "y", "z"].map((name, index) => ({
        ...before,
        name: `${round} ${name}`,
        updatedAt: before.updatedAt + 1 + index,
      }));
      const answers = await Promise.all(made.map((changed) => store.replace(user, { agent: changed, before })));
      expect(answers.toSorted()).toEqual(["changed-meanwhile", "changed-meanwhile", "replaced"]);
      const kept = await store.get(user, "a");
      expect(kept).toEqual(made[answers.indexOf("replaced")]);
      before = kept!;
    }
  });

  it("has as much room for agents that were changed as for new ones", async () => {
    const store = open();
    const user = freshUser();
    const ids = Array.from({ length: agentLimits.agentsPerUserMax }, (_agent, index) => `a${index}`);
    for (const id of ids) {
      await store.add(user, agent(id));
      await store.replace(user, { agent: { ...agent(id), updatedAt: 2 }, before: agent(id) });
    }
    expect(await store.list(user)).toHaveLength(agentLimits.agentsPerUserMax);
    expect(await store.add(user, agent("more"))).toBe("full");
    await store.remove(user, "a0");
    expect(await store.add(user, agent("more"))).toBe("added");
  });
});

describe("an agent store in Redis", () => {
  it("leaves out what this version does not understand", async () => {
    const user = freshUser();
    const redis = client();
    await redis.command(["HSET", agentsKey(user), "x", "{broken", "y", '{"id":"y"}'], readInteger);
    const store = upstashAgentStore(redis);
    expect(await store.list(user)).toEqual([]);
    expect(await store.get(user, "x")).toBeUndefined();
  });
});
