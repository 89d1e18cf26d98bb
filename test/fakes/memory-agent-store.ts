import { agentLimits, type Agent, type AgentStore } from "../../src/agent/run/agent.ts";
import type { McpHeaders } from "../../src/tool/remote-server.ts";

/** Agents in memory; held to the same cases as the real adapter by `test/contract/agent-store.test.ts`. */
export function memoryAgentStore(): AgentStore {
  const users = new Map<string, Map<string, Agent>>();
  const headers = new WeakMap<Agent, McpHeaders>();

  function agentsOf(userId: string): Map<string, Agent> {
    const known = users.get(userId) ?? new Map<string, Agent>();
    users.set(userId, known);
    return known;
  }

  return {
    async add(userId, agent, mcpHeaders = {}) {
      const agents = agentsOf(userId);
      if (agents.size >= agentLimits.agentsPerUserMax || agents.has(agent.id)) return "full";
      agents.set(agent.id, agent);
      headers.set(agent, mcpHeaders);
      return "added";
    },
    get: async (userId, agentId) => agentsOf(userId).get(agentId),
    async mcpHeaders(userId, agentId) {
      const agent = agentsOf(userId).get(agentId);
      return agent && headers.get(agent);
    },
    list: async (userId) =>
      [...agentsOf(userId).values()].toSorted((a, b) => b.createdAt - a.createdAt || (a.id < b.id ? -1 : 1)),
    async replace(userId, { agent, mcpHeaders = {}, before }) {
      const kept = agentsOf(userId).get(agent.id);
      if (kept === undefined) return "missing";
      if (kept.updatedAt !== before.updatedAt) return "changed-meanwhile";
      agentsOf(userId).set(agent.id, agent);
      headers.set(agent, mcpHeaders);
      return "replaced";
    },
    remove: async (userId, agentId) => agentsOf(userId).delete(agentId),
  };
}
