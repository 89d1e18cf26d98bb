/** What runs, agents and the sweep need. A chunk of its own: a chat without an agent needs none of it. */
import { chatAgentId } from "../agent/chat-tools.ts";
import type { Model } from "../agent/model-port.ts";
import type { AgentStore } from "../agent/run/agent.ts";
import { agentRun } from "../agent/run/agent-run.ts";
import type { AgentServices } from "../agent/run/agent-services.ts";
import { agentExecution, agentPlanning, agentReflection } from "../agent/run/phase-runs.ts";
import { budgetProfiles } from "../engine/budget.ts";
import type { EngineParts } from "../engine/engine-parts.ts";
import type { FollowRunParts } from "../engine/follow-run.ts";
import type { RunIndex, RunRef } from "../engine/journal.ts";
import type { Failure } from "../engine/journal-entry.ts";
import { createRunRegistry, type RunRegistry } from "../engine/run-definition.ts";
import type { ConversationRef, DueTurns } from "../event/event-log.ts";
import { bookDinner } from "../saga/book-dinner.ts";
import type { SagaServices } from "../saga/saga-services.ts";
import { toolRun, type ToolRunServices } from "../schedule/tool-run.ts";
import { restaurantClient } from "../system/restaurant-client.ts";
import type { FactStore } from "../tool/fact-store.ts";
import type { ToolRegistry } from "../tool/registry.ts";
import { runTool } from "../tool/run-tool.ts";
import { upstashAgentStore } from "../upstash/agent-store.ts";
import { upstashDueRuns, upstashDueTurns } from "../upstash/due-registry.ts";
import { upstashRunFeed } from "../upstash/event-feed.ts";
import { upstashActiveRuns, upstashJournal, upstashRunIndex } from "../upstash/journal.ts";
import { carryRun, giveUpRun } from "../workflow/carry-run.ts";
import type { Carrier } from "../workflow/carrier.ts";
import { createAgentServices } from "./agents.ts";
import type { Adapters } from "./adapters.ts";
import type { Queues } from "./queues.ts";

export interface RunsWire {
  readonly engine: EngineParts<RunServices>;
  readonly dueTurns: DueTurns;
  readonly runIndex: RunIndex;
  readonly followRun: FollowRunParts;
  readonly agents: AgentStore;
  /** Who carries runs in place of the queue; absent where nobody does. */
  readonly carrier: Carrier | undefined;
  /** Answers a delivery of Upstash Workflow; absent where it is not configured. */
  readonly serveWorkflow: ((request: Request) => Promise<Response>) | undefined;
  /** Ids of a conversation's runs that are not over. */
  readonly activeRuns: (ref: ConversationRef) => Promise<readonly string[]>;
}

/** What the runs of this app are given. */
export type RunServices = SagaServices & AgentServices & ToolRunServices;

/** Every run that can be started here, and the versions of it that may still be running. */
export const runRegistry = createRunRegistry<RunServices>([
  bookDinner,
  agentRun,
  agentPlanning,
  agentExecution,
  agentReflection,
  toolRun,
]);

export interface RunsParts {
  readonly adapters: Adapters;
  readonly env: object;
  readonly queues: Queues;
  readonly model: Model;
  readonly tools: ToolRegistry;
  readonly facts: FactStore;
  /** Between 0 and 1. */
  readonly chance: () => number;
  /** The definitions that can be started; the app's own without it. */
  readonly registry: RunRegistry<RunServices> | undefined;
}

export function createRuns(parts: RunsParts): RunsWire {
  const { adapters, queues, chance } = parts;
  const { config, pause, redis } = adapters;
  const engine = createEngine(parts);
  return {
    engine,
    dueTurns: upstashDueTurns(redis),
    runIndex: upstashRunIndex(redis),
    followRun: {
      journal: engine.journal,
      feed: upstashRunFeed({ ...config.redis, ...adapters }),
      pause,
      random: chance,
    },
    agents: upstashAgentStore(redis),
    carrier: queues.carrier,
    serveWorkflow: createWorkflowServer(parts.env, adapters, engine),
    activeRuns: upstashActiveRuns(redis),
  };
}

function createEngine({ adapters, queues, model, tools, facts, registry }: RunsParts): EngineParts<RunServices> {
  const { config, clock, redis, log } = adapters;
  const journal = upstashJournal(redis, clock);
  return {
    ...adapters,
    journal,
    dueRuns: upstashDueRuns(redis),
    budgets: journal,
    queue: queues.runs,
    calls: queues.calls,
    registry: registry ?? runRegistry,
    services: {
      restaurants: restaurantClient({ url: config.restaurantUrl, fetch: adapters.fetch }),
      ...createAgentServices(adapters, { model, registry: tools, facts }),
      runTool: (call, userId, { signal }) =>
        runTool(tools, call, { userId, agentId: chatAgentId, clock, facts, log, signal }),
    },
    profile: budgetProfiles[config.workersPlan],
  };
}

function createWorkflowServer(
  env: object,
  { config, meter }: Adapters,
  engine: EngineParts<RunServices>,
): RunsWire["serveWorkflow"] {
  const { qstash, appUrl } = config;
  if (qstash === undefined || config.queue !== "qstash") return undefined;
  return async (request) => {
    const { serveWorkflow } = await import("../upstash/workflow.ts");
    const carrier = {
      clock: engine.clock,
      carry: (ref: RunRef, definition: string) => carryRun(engine, ref, definition),
      giveUp: (ref: RunRef, failure: Failure) => giveUpRun(engine, ref, failure),
    };
    return serveWorkflow({ ...qstash, appUrl, meter }, carrier)(request, env);
  };
}
