import { isAgentId } from "../core/ids.ts";
import type { JsonValue } from "../core/json.ts";
import type { FindAgent } from "../schedule/schedule.ts";
import type { RecentAgents } from "./recent-agents.ts";

/** A user's agent as a run takes it. */
export function findAgent(agents: RecentAgents): FindAgent {
  return async (userId, agentId) => {
    const agent = isAgentId(agentId) ? await agents.recent(userId, agentId) : undefined;
    return agent as unknown as JsonValue | undefined;
  };
}
