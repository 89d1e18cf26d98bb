/** What the routes and tools of memory need. A chunk of its own: most requests touch no knowledge. */
import { chatAgentId } from "../agent/chat-tools.ts";
import { anyAgent, type AgentStore } from "../agent/run/agent.ts";
import { knownFacts } from "../agent/known-facts.ts";
import { modelPrice, type EmbeddingConfig } from "../config.ts";
import { isAgentId } from "../core/ids.ts";
import { countTokens } from "../core/tally.ts";
import { budgetProfiles } from "../engine/budget.ts";
import type { AgentDirectory } from "../memory/agent-directory.ts";
import type { Embedder } from "../memory/embedder.ts";
import type { ExportParts } from "../memory/export-user.ts";
import type { KnowledgeParts } from "../memory/keep-knowledge.ts";
import { openAiEmbedder } from "../model/openai-embedder.ts";
import type { FactStore } from "../tool/fact-store.ts";
import { upstashAgentStore } from "../upstash/agent-store.ts";
import { upstashKnowledgeStore } from "../upstash/knowledge-store.ts";
import type { Adapters } from "./adapters.ts";
import { exportSections } from "./export.ts";

export interface MemoryWire {
  readonly agents: AgentDirectory;
  readonly knowledge: KnowledgeParts;
  readonly facts: FactStore;
  readonly exporting: ExportParts;
}

export function createMemory(adapters: Adapters): MemoryWire {
  const { config, redis } = adapters;
  const knowledge = {
    ...adapters,
    store: upstashKnowledgeStore(redis),
    embedder: config.embedding === undefined ? undefined : createEmbedder(config.embedding, adapters),
  };
  return {
    agents: directoryOf(upstashAgentStore(redis)),
    knowledge,
    facts: knownFacts(knowledge),
    exporting: { sections: exportSections(adapters), mayGoOn: () => isWithin(adapters) },
  };
}

/** Whether this invocation may make more requests. */
function isWithin({ config, meter }: Adapters): boolean {
  const { subrequests, subrequestsReserved } = budgetProfiles[config.workersPlan];
  return meter.subrequests < subrequests - subrequestsReserved;
}

/** What plain chats know, and runs of no agent in particular, is their user's; other agents belong to who made them. */
function directoryOf(agents: AgentStore): AgentDirectory {
  return {
    owns: async ({ userId, agentId }) =>
      agentId === chatAgentId ||
      agentId === anyAgent.id ||
      (isAgentId(agentId) && (await agents.get(userId, agentId)) !== undefined),
  };
}

function createEmbedder(embedding: EmbeddingConfig, { config, fetch, meter, tally }: Adapters): Embedder {
  const { baseUrl, apiKey, name, dimensions } = embedding;
  return openAiEmbedder({
    baseUrl,
    apiKey: apiKey.reveal(),
    modelName: name,
    dimensions,
    fetch,
    onUsage: (inputTokens) => countTokens({ meter, tally }, { inputTokens, outputTokens: 0 }, modelPrice(config, name)),
  });
}
