import type { JsonValue } from "../core/json.ts";
import type { FindAgent } from "../schedule/schedule.ts";
import type { RecentAgents } from "./recent-agents.ts";

/** A user's agent as a run takes it. */
export function findAgent(agents: RecentAgents): FindAgent {
  return async (userId, agentId) => (await agents.recent(userId, agentId)) as unknown as JsonValue | undefined;
}
