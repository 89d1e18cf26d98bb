import { askCounted } from "../agent/ask-counted.ts";
import type { Model } from "../agent/model-port.ts";
import type { Actor, AgentServices, KnownFact } from "../agent/run/agent-services.ts";
import { conversationSoFar } from "../agent/run/conversation-so-far.ts";
import { grantOf } from "../agent/run/agent.ts";
import { registryTools } from "../agent/run/registry-tools.ts";
import { modelPrice } from "../config.ts";
import type { ConversationStore } from "../memory/conversation-store.ts";
import type { ToolParts } from "../tool/call-context.ts";
import type { FactStore } from "../tool/fact-store.ts";
import { upstashConversationStore } from "../upstash/conversation-store.ts";
import type { Adapters } from "./adapters.ts";
import { registryOf } from "./remote-tools.ts";
import { tokenBudgetOf } from "./token-budget.ts";
import type { ToolServices } from "./tools.ts";

export interface AgentParts {
  readonly model: Model;
  readonly tools: ToolParts<ToolServices>;
}

/** Facts that a run is told at its start. */
const factsRecalledMax = 20;

/**
 * What was said in the conversation comes first, where the run belongs to one; then what fits the goal. An agent that knows little is told all of it. Memory and
 * knowledge are asked beside each other, in a round trip each.
 */
async function recallAll(
  { facts, conversations }: { readonly facts: FactStore; readonly conversations: ConversationStore },
  actor: Actor,
  goal: string,
): Promise<readonly KnownFact[]> {
  const { userId, conversationId } = actor;
  const [known, memory] = await Promise.all([
    facts.nearest(actor, goal, factsRecalledMax, neverAborted()),
    conversationId === undefined ? undefined : conversations.memory({ userId, conversationId }),
  ]);
  const said = memory && conversationSoFar(memory, goal);
  return said === undefined ? known : [said, ...known];
}

/** The step that asks has its own time; what is under way then is of no use, and does no harm. */
function neverAborted(): AbortSignal {
  return AbortSignal.any([]);
}

/** What runs of agents are given. */
export function createAgentServices(adapters: Adapters, { model, tools }: AgentParts): AgentServices {
  const { config, log, redis, clock } = adapters;
  const budget = tokenBudgetOf(adapters);
  const { facts } = tools.services;
  const conversations = upstashConversationStore(redis, clock);
  return {
    askModel: (request, signal, actor) =>
      askCounted({ model, log, clock, budget }, { ...request, signal }, actor.userId),
    toolsOf: (agent) => registryTools(registryOf(agent), tools, grantOf(agent)),
    recall: (actor, goal) => recallAll({ facts, conversations }, actor, goal),
    async remember(actor, fact) {
      const outcome = await facts.remember(actor, fact, neverAborted());
      if (outcome !== "remembered") log.warn("a fact is left out", { agentId: actor.agentId, outcome });
    },
    priceOf: (name) => modelPrice(config, name),
  };
}
