/** What runs, agents and the sweep need. A chunk of its own: a chat without an agent needs none of it. */
import { chatAgentId } from "../agent/chat-tools.ts";
import type { Model } from "../agent/model-port.ts";
import { reminderMessage, reminderRun, type ReminderPost, type ReminderRunServices } from "../agent/reminder-runs.ts";
import { createReminders } from "../agent/reminders.ts";
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
import { recentAgents, type RecentAgents } from "../http/recent-agents.ts";
import type { ConversationStore } from "../memory/conversation-store.ts";
import { eraseUser, type EraseServices } from "../memory/erase-user.ts";
import type { ListRemoteTools } from "../http/agent-servers.ts";
import { bookDinner } from "../saga/book-dinner.ts";
import { redriveDeadLetters, type RedriveServices } from "../ops/redrive-run.ts";
import type { SagaServices } from "../saga/saga-services.ts";
import { toolRun, type ToolRunServices } from "../schedule/tool-run.ts";
import type { ToolParts } from "../tool/call-context.ts";
import type { Reminders } from "../tool/reminder.ts";
import { runTool } from "../tool/run-tool.ts";
import { fullGrant } from "../tool/tool-grant.ts";
import { upstashAgentStore } from "../upstash/agent-store.ts";
import { readDueNow, type DueNow } from "../upstash/due-now.ts";
import { upstashDueRuns, upstashDueTurns } from "../upstash/due-registry.ts";
import { upstashRunFeed } from "../upstash/event-feed.ts";
import { upstashActiveRuns, upstashJournal, upstashRunIndex, type LearnedBudgets } from "../upstash/journal.ts";
import { carryRun, giveUpRun } from "../workflow/carry-run.ts";
import type { Carrier } from "../workflow/carrier.ts";
import { createAgentServices } from "./agents.ts";
import { isolateCacheOf } from "./cache.ts";
import { createEraseServices } from "./erase.ts";
import type { Adapters } from "./adapters.ts";
import { createOps, createRedrive, type Ops } from "./ops.ts";
import { perConfig } from "./per-config.ts";
import type { Queues } from "./queues.ts";
import { remoteLister } from "./remote-tools.ts";
import { toolRegistry, type ToolServices } from "./tools.ts";

export interface RunsWire {
  readonly engine: EngineParts<RunServices>;
  readonly dueTurns: DueTurns;
  readonly runIndex: RunIndex;
  readonly followRun: FollowRunParts;
  readonly agents: RecentAgents;
  readonly listRemoteTools: ListRemoteTools;
  /** Who carries runs in place of the queue; absent where nobody does. */
  readonly carrier: Carrier | undefined;
  /** Answers a delivery of Upstash Workflow; absent where it is not configured. */
  readonly serveWorkflow: ((request: Request) => Promise<Response>) | undefined;
  readonly ops: Ops;
  readonly drainOutbox: Queues["drainOutbox"];
  /** What the sweep is to look at. */
  readonly readDue: () => Promise<DueNow>;
  /** Ids of a conversation's runs that are not over. */
  readonly activeRuns: (ref: ConversationRef) => Promise<readonly string[]>;
  readonly reminders: Reminders;
}

/** What the runs of this app are given. */
export type RunServices = SagaServices &
  AgentServices &
  ToolRunServices &
  ReminderRunServices &
  EraseServices &
  RedriveServices;

/** Every run that can be started here, and the versions of it that may still be running. */
export const runRegistry = createRunRegistry<RunServices>([
  bookDinner,
  agentRun,
  agentPlanning,
  agentExecution,
  agentReflection,
  toolRun,
  reminderRun,
  reminderMessage,
  eraseUser,
  redriveDeadLetters,
]);

export interface RunsParts {
  readonly adapters: Adapters;
  readonly env: object;
  readonly queues: Queues;
  readonly model: Model;
  readonly tools: ToolParts<ToolServices>;
  readonly conversations: ConversationStore;
  /** Between 0 and 1. */
  readonly chance: () => number;
  /** The definitions that can be started; the app's own without it. */
  readonly registry: RunRegistry<RunServices> | undefined;
}

export function createRuns(parts: RunsParts): RunsWire {
  const { adapters, queues, chance } = parts;
  const { config, clock, pause, redis } = adapters;
  const { reminders, postReminder } = createReminders<RunServices>({
    engine: () => engine,
    conversations: parts.conversations,
  });
  const runIndex = upstashRunIndex(redis);
  const engine: EngineParts<RunServices> = createEngine(parts, postReminder, () => ops);
  const ops = createOps(adapters, { engine, runIndex, queues });
  return {
    engine,
    ops,
    drainOutbox: queues.drainOutbox,
    readDue: () => readDueNow(redis, { nowMs: clock.now(), hasOutbox: queues.drainOutbox !== undefined }),
    dueTurns: upstashDueTurns(redis),
    runIndex,
    followRun: {
      journal: engine.journal,
      feed: upstashRunFeed(adapters.feed),
      pause,
      random: chance,
    },
    agents: recentAgents(upstashAgentStore(redis), isolateCacheOf(config), clock),
    listRemoteTools: remoteLister(parts.tools.services.egress),
    carrier: queues.carrier,
    serveWorkflow: createWorkflowServer(parts.env, adapters, engine),
    activeRuns: upstashActiveRuns(redis),
    reminders,
  };
}

const learnedBudgetsOf = perConfig((): LearnedBudgets => new Map());

/** @param ops of which the runs are given a part; they act on the engine that is made here. */
function createEngine(
  { adapters, queues, model, tools, registry }: RunsParts,
  postReminder: ReminderPost,
  ops: () => Ops,
): EngineParts<RunServices> {
  const { config, clock, redis } = adapters;
  const journal = upstashJournal(redis, clock, learnedBudgetsOf(config));
  return {
    ...adapters,
    journal,
    dueRuns: upstashDueRuns(redis),
    budgets: journal,
    queue: queues.runs,
    calls: queues.calls,
    registry: registry ?? runRegistry,
    services: {
      restaurants: tools.services.restaurants,
      postReminder,
      deadLetters: createRedrive(ops),
      ...createAgentServices(adapters, { model, tools }),
      runTool: scheduledTools(tools),
      ...createEraseServices(adapters),
    },
    profile: budgetProfiles[config.workersPlan],
  };
}

/** Whoever set the schedule has asked for the call by name and input. */
function scheduledTools(tools: ToolParts<ToolServices>): ToolRunServices["runTool"] {
  return (call, userId, { idempotencyKey, signal }) =>
    runTool(toolRegistry, call, {
      ...tools,
      userId,
      agentId: chatAgentId,
      callKey: idempotencyKey,
      grant: fullGrant,
      isApproved: true,
      signal,
    });
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
