import type { AgentStore } from "../agent/run/agent.ts";
import { isAgentId } from "../core/ids.ts";
import type { JsonValue } from "../core/json.ts";
import type { FindAgent } from "../schedule/schedule.ts";

/** A user's agent as a run takes it. */
export function findAgent(agents: AgentStore): FindAgent {
  return async (userId, agentId) => {
    const agent = isAgentId(agentId) ? await agents.get(userId, agentId) : undefined;
    return agent as unknown as JsonValue | undefined;
  };
}
