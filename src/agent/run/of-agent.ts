import type { Agent } from "./agent.ts";

/** What the definitions of all agents' runs say of them. */
export const ofAgent = {
  /** The agent is named by whoever asks; how it is today says nothing of the request. */
  saidIn: ({ agent, ...rest }: { readonly agent: Pick<Agent, "id"> }) => ({ ...rest, agentId: agent.id }),
};
