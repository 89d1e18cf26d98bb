import type { Agent } from "./agent.ts";

/** What the definitions of all agents' runs say of them. */
export const ofAgent = {
  /** Their input holds an agent as its store had it: what it may do, and schemas of others' tools that were made plain when it was saved. */
  isInternal: true,
  needs: { scope: "agents", tokens: true },
  /** The agent is named by whoever asks; how it is today says nothing of the request. */
  saidIn: ({ agent, ...rest }: { readonly agent: Pick<Agent, "id"> }) => ({ ...rest, agentId: agent.id }),
} as const;
