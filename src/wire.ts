/**
 * The composition root: the environment's strings become adapters (`wire/`), adapters become services. Nothing else knows both sides.
 *
 * Built once per request, since a Worker may not use one request's connections in another. It does no I/O.
 */
import { chatAgentId, chatPrompt, chatTools } from "./agent/chat-tools.ts";
import type { ChatParts } from "./agent/chat.ts";
import type { Model } from "./agent/model-port.ts";
import type { AgentStore } from "./agent/run/agent.ts";
import { agentRun } from "./agent/run/agent-run.ts";
import type { AgentServices } from "./agent/run/agent-services.ts";
import { agentExecution, agentPlanning, agentReflection } from "./agent/run/phase-runs.ts";
import type { FollowTurnParts } from "./agent/follow-turn.ts";
import { limits } from "./core/limits.ts";
import type { Random } from "./core/ports.ts";
import { budgetProfiles } from "./engine/budget.ts";
import type { EngineParts } from "./engine/engine-parts.ts";
import type { FollowRunParts } from "./engine/follow-run.ts";
import type { RunIndex, RunRef } from "./engine/journal.ts";
import type { Failure } from "./engine/journal-entry.ts";
import { createRunRegistry, type RunRegistry } from "./engine/run-definition.ts";
import type { ConversationRef, DueTurns } from "./event/event-log.ts";
import type { Admission } from "./http/admission.ts";
import type { EdgeWire } from "./http/edge-wire.ts";
import type { ConversationStore } from "./memory/conversation-store.ts";
import { openAiModel } from "./model/openai-model.ts";
import { bookDinner } from "./saga/book-dinner.ts";
import type { SagaServices } from "./saga/saga-services.ts";
import type { SetScheduleParts } from "./schedule/set-schedule.ts";
import { toolRun, type ToolRunServices } from "./schedule/tool-run.ts";
import { createSessions } from "./session/sessions.ts";
import { restaurantClient } from "./system/restaurant-client.ts";
import { builtInTools } from "./tool/built-in.ts";
import type { FactStore } from "./tool/fact-store.ts";
import { createToolRegistry } from "./tool/registry.ts";
import { runTool } from "./tool/run-tool.ts";
import { upstashAdmission } from "./upstash/admission.ts";
import { upstashAgentStore } from "./upstash/agent-store.ts";
import { upstashConversationStore } from "./upstash/conversation-store.ts";
import { upstashDueRuns, upstashDueTurns } from "./upstash/due-registry.ts";
import { upstashEventFeed, upstashRunFeed } from "./upstash/event-feed.ts";
import { upstashEventLog } from "./upstash/event-log.ts";
import { upstashGate } from "./upstash/gate.ts";
import { upstashActiveRuns, upstashJournal, upstashRunIndex } from "./upstash/journal.ts";
import { upstashSessionStore } from "./upstash/session-store.ts";
import { carryRun, giveUpRun } from "./workflow/carry-run.ts";
import type { Carrier } from "./workflow/carrier.ts";
import { createAgentServices } from "./wire/agents.ts";
import { createAdapters, type Adapters, type Invocation } from "./wire/adapters.ts";
import type { MemoryWire } from "./wire/memory.ts";
import { createQueues, internalKeyOf, type Queues } from "./wire/queues.ts";

export interface Wire extends EdgeWire {
  readonly admission: Admission;
  readonly chat: ChatParts;
  readonly conversations: ConversationStore;
  readonly follow: FollowTurnParts;
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
  readonly memory: () => Promise<MemoryWire>;
  /** `undefined` where there is no queue that could fire. */
  readonly schedules: () => Promise<SetScheduleParts | undefined>;
}

/** What the runs of this app are given. */
export type RunServices = SagaServices & AgentServices & ToolRunServices;

const tools = createToolRegistry(builtInTools);
/** Every run that can be started here, and the versions of it that may still be running. */
export const runRegistry = createRunRegistry<RunServices>([
  bookDinner,
  agentRun,
  agentPlanning,
  agentExecution,
  agentReflection,
  toolRun,
]);

/**
 * @param runs the definitions that can be started; the app's own without it.
 * @throws misconfigured (park) with every problem of the environment.
 */
export function createWire(invocation: Invocation, runs: RunRegistry<RunServices> = runRegistry): Wire {
  const adapters = createAdapters(invocation);
  const { config, clock, random, pause, redis } = adapters;
  const queues = createQueues(adapters);
  const agents = upstashAgentStore(redis);
  const memory = lateMemory(adapters, agents);
  const facts = lateFacts(memory);
  const chat = createChat(adapters, queues, facts);
  const engine = { ...createEngine(adapters, queues, { model: chat.model, facts }), registry: runs };
  return {
    ...createEdge(adapters),
    admission: upstashAdmission(redis, clock),
    chat,
    conversations: upstashConversationStore(redis, clock),
    follow: {
      clock,
      log: chat.log,
      feed: upstashEventFeed({ ...config.redis, fetch: adapters.fetch }),
      pause,
      random: () => unitInterval(random),
    },
    engine,
    dueTurns: upstashDueTurns(redis),
    runIndex: upstashRunIndex(redis),
    followRun: {
      journal: engine.journal,
      feed: upstashRunFeed({ ...config.redis, fetch: adapters.fetch }),
      pause,
      random: () => unitInterval(random),
    },
    agents,
    carrier: queues.carrier,
    serveWorkflow: createWorkflowServer(invocation.env, adapters, engine),
    activeRuns: upstashActiveRuns(redis),
    memory,
    async schedules() {
      const { createSchedules } = await import("./wire/schedules.ts");
      return createSchedules(adapters);
    },
  };
}

/** Loaded by the first request that needs it. */
function lateMemory(adapters: Adapters, agents: AgentStore): () => Promise<MemoryWire> {
  let memory: Promise<MemoryWire> | undefined;
  return () => (memory ??= import("./wire/memory.ts").then(({ createMemory }) => createMemory(adapters, agents)));
}

function lateFacts(memory: () => Promise<MemoryWire>): FactStore {
  return {
    remember: async (...call) => (await memory()).facts.remember(...call),
    recall: async (...call) => (await memory()).facts.recall(...call),
    list: async (...call) => (await memory()).facts.list(...call),
    search: async (...call) => (await memory()).facts.search(...call),
  };
}

function createEdge({ config, redis, clock, random }: Adapters): EdgeWire {
  const { qstash } = config;
  return {
    clock,
    sessions: createSessions({ store: upstashSessionStore(redis), secret: config.sessionSecret, clock, random }),
    gate: upstashGate(redis, clock),
    tools,
    pingStorage: async () => {
      await redis.command(["PING"], String);
    },
    appUrl: config.appUrl,
    internalKey: internalKeyOf(config),
    queueName: config.queue,
    async verifyDelivery(delivery) {
      if (qstash === undefined) return false;
      const { qstashVerifier } = await import("./upstash/signature.ts");
      return qstashVerifier({ current: qstash.currentSigningKey, next: qstash.nextSigningKey })(delivery);
    },
  };
}

function createChat(adapters: Adapters, queues: Queues, facts: FactStore): ChatParts {
  const { config, clock, log, redis } = adapters;
  return {
    ...adapters,
    log: upstashEventLog(redis, clock),
    model: openAiModel({
      baseUrl: config.model.baseUrl,
      apiKey: config.model.apiKey.reveal(),
      modelName: config.model.name,
      fetch: adapters.fetch,
      firstByteMsMax: limits.modelFirstByteMsMax,
      idleMsMax: limits.modelIdleMsMax,
    }),
    tools: chatTools({ registry: tools, facts, clock, log }),
    logger: log,
    systemPrompt: chatPrompt(clock.now()),
    contextTokens: config.model.contextTokens,
    queue: queues.turns,
    profile: budgetProfiles[config.workersPlan],
  };
}

function createEngine(
  adapters: Adapters,
  queues: Queues,
  { model, facts }: { readonly model: Model; readonly facts: FactStore },
): Omit<EngineParts<RunServices>, "registry"> {
  const { config, clock, redis, log } = adapters;
  const journal = upstashJournal(redis, clock);
  return {
    ...adapters,
    journal,
    dueRuns: upstashDueRuns(redis),
    budgets: journal,
    queue: queues.runs,
    calls: queues.calls,
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
): Wire["serveWorkflow"] {
  const { qstash, appUrl } = config;
  if (qstash === undefined || config.queue !== "qstash") return undefined;
  return async (request) => {
    const { serveWorkflow } = await import("./upstash/workflow.ts");
    const handlers = {
      carry: (ref: RunRef, definition: string) => carryRun(engine, ref, definition),
      giveUp: (ref: RunRef, failure: Failure) => giveUpRun(engine, ref, failure),
    };
    return serveWorkflow({ ...qstash, appUrl, meter }, handlers)(request, env);
  };
}

function unitInterval(source: Random): number {
  return (source.bytes(1)[0] ?? 0) / 256;
}
