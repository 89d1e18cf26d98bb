import { askModel } from "../agent/ask-model.ts";
import type { Model } from "../agent/model-port.ts";
import type { AgentServices } from "../agent/run/agent-services.ts";
import { registryTools } from "../agent/run/registry-tools.ts";
import type { FactStore } from "../tool/fact-store.ts";
import type { ToolRegistry } from "../tool/registry.ts";
import type { Adapters } from "./adapters.ts";

export interface AgentParts {
  readonly model: Model;
  readonly registry: ToolRegistry;
  readonly facts: FactStore;
}

/** Facts that a run is told at its start. */
const factsRecalledMax = 20;

/** What runs of agents are given. */
export function createAgentServices(
  { config, clock, log }: Adapters,
  { model, registry, facts }: AgentParts,
): AgentServices {
  return {
    askModel: (request, signal) => askModel(model, { ...request, signal }),
    tools: registryTools({ registry, facts, clock, log }),
    recall: async (owner) => (await facts.list(owner)).slice(0, factsRecalledMax),
    remember: async (owner, fact) => {
      const outcome = await facts.remember(owner, fact);
      if (outcome === "full")
        log.warn("an agent knows as much as it may; a fact is left out", { agentId: owner.agentId });
    },
    priceOf: (name = config.model.name) => config.modelPrices[name] ?? { input: 0, output: 0 },
  };
}
