/**
 * The agents with which runs start. An agent that was read a moment ago is not asked for again: it is what this isolate has changed last, and what others have
 * changed up to `recentAgentMs` ago. Whoever shows or changes an agent takes `get`, which always asks.
 */
import type { Agent, AgentStore } from "../agent/run/agent.ts";
import type { IsolateCache } from "../cache/isolate-cache.ts";
import { limits } from "../core/limits.ts";
import type { Clock } from "../core/ports.ts";
import { isAgentId } from "../core/ids.ts";

export interface RecentAgents extends AgentStore {
  /** `undefined` also for what cannot be an agent's id. At most 1 billed command. */
  recent(userId: string, agentId: string): Promise<Agent | undefined>;
}

export function recentAgents(store: AgentStore, isolate: IsolateCache, clock: Clock): RecentAgents {
  async function recent(userId: string, agentId: string): Promise<Agent | undefined> {
    if (!isAgentId(agentId)) return undefined;
    const key = keyOf(userId, agentId);
    const known = isolate.get(key, clock.now());
    if (known !== undefined) return JSON.parse(known) as Agent;
    const moment = isolate.moment();
    const agent = await store.get(userId, agentId);
    const until = clock.now() + limits.recentAgentMs;
    if (agent !== undefined) isolate.put({ key, text: JSON.stringify(agent), until }, moment);
    return agent;
  }

  /** Forgets it also where the change was lost on the way: it may have had its effect. */
  async function changing<T>(userId: string, agentId: string, change: Promise<T>): Promise<T> {
    try {
      return await change;
    } finally {
      isolate.forget(keyOf(userId, agentId));
    }
  }

  return {
    ...store,
    recent,
    replace: (userId, replacement) => changing(userId, replacement.agent.id, store.replace(userId, replacement)),
    remove: (userId, agentId) => changing(userId, agentId, store.remove(userId, agentId)),
  };
}

function keyOf(userId: string, agentId: string): string {
  return `${userId}:agent:${agentId}`;
}
