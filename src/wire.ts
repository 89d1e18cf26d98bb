/**
 * The composition root: the environment's strings become adapters (`wire/`), adapters become services. Nothing else knows both sides.
 *
 * Built once per request, since a Worker may not use one request's connections in another. It does no I/O. What a chat and the sessions need is there at once; the
 * rest is in chunks of its own, loaded by the first request that asks.
 */
import type { FollowTurnParts } from "./agent/follow-turn.ts";
import type { Random } from "./core/ports.ts";
import type { RunRegistry } from "./engine/run-definition.ts";
import type { Admission } from "./http/admission.ts";
import type { EdgeWire } from "./http/edge-wire.ts";
import { createBlockedCallers } from "./limit/blocked-callers.ts";
import { createEndedCredentials } from "./limit/ended-credentials.ts";
import type { TokenBudget } from "./limit/token-budget.ts";
import type { ConversationStore } from "./memory/conversation-store.ts";
import type { SetScheduleParts } from "./schedule/set-schedule.ts";
import type { FactStore } from "./tool/fact-store.ts";
import type { Reminders } from "./tool/reminder.ts";
import { upstashAdmission } from "./upstash/admission.ts";
import { upstashConversationStore } from "./upstash/conversation-store.ts";
import { upstashEventFeed } from "./upstash/event-feed.ts";
import { upstashEventLog } from "./upstash/event-log.ts";
import { upstashGate } from "./upstash/gate.ts";
import { createAdapters, type Adapters, type Invocation } from "./wire/adapters.ts";
import { createIdentityWire } from "./wire/identity.ts";
import type { Answering } from "./wire/answering.ts";
import { tokenBudgetOf } from "./wire/token-budget.ts";
import type { MemoryWire } from "./wire/memory.ts";
import type { ModelList } from "./wire/models.ts";
import { perConfig } from "./wire/per-config.ts";
import type { QueuedTools } from "./wire/queued-tools.ts";
import { internalKeyOf } from "./wire/internal-key.ts";
import type { RunServices, RunsWire } from "./wire/runs.ts";

export interface Wire extends EdgeWire {
  readonly admission: Admission;
  /** Absent where nobody counts tokens. */
  readonly tokenBudget: TokenBudget | undefined;
  readonly conversations: ConversationStore;
  readonly follow: FollowTurnParts;
  readonly answering: () => Promise<Answering>;
  readonly runs: () => Promise<RunsWire>;
  readonly memory: () => Promise<MemoryWire>;
  /** `undefined` where there is no queue that could fire. */
  readonly schedules: () => Promise<SetScheduleParts | undefined>;
  readonly queuedTools: () => Promise<QueuedTools>;
  /** The provider's, and which of them is configured. */
  readonly models: () => Promise<ModelList>;
}

const blockedOf = perConfig(createBlockedCallers);
const endedOf = perConfig(createEndedCredentials);

/**
 * @param registry the runs that can be started; the app's own without it.
 * @throws misconfigured (park) with every problem of the environment.
 */
export function createWire(invocation: Invocation, registry?: RunRegistry<RunServices>): Wire {
  const adapters = createAdapters(invocation);
  const { config, clock, random, pause, redis } = adapters;
  const blocked = blockedOf(config);
  const queues = once(async () => (await import("./wire/queues.ts")).createQueues(adapters));
  const memory = once(async () => (await import("./wire/memory.ts")).createMemory(adapters));
  const eventLog = upstashEventLog(redis, clock);
  const conversations = upstashConversationStore(redis, clock);
  const chance = (): number => unitInterval(random);
  const reminders: Reminders = { schedule: async (reminder) => (await runs()).reminders.schedule(reminder) };
  const answering = once(async () => {
    const [{ createAnswering }, { turns }] = await Promise.all([import("./wire/answering.ts"), queues()]);
    return createAnswering({ adapters, turns, eventLog, toolServices: { facts: lateFacts(memory), reminders } });
  });
  const runs = once(async () => {
    const chunk = import("./wire/runs.ts");
    const [{ createRuns }, ready, { chat, toolParts: tools }] = await Promise.all([chunk, queues(), answering()]);
    const { env } = invocation;
    return createRuns({ adapters, env, queues: ready, model: chat.model, tools, conversations, chance, registry });
  });
  return {
    ...createEdge(adapters),
    admission: upstashAdmission({ redis, clock, blocked, isCounting: config.tokensPerDay !== undefined }),
    tokenBudget: tokenBudgetOf(adapters),
    conversations,
    follow: {
      clock,
      log: eventLog,
      feed: upstashEventFeed(adapters.feed),
      pause,
      random: chance,
    },
    answering,
    runs,
    memory,
    schedules: once(async () => (await import("./wire/schedules.ts")).createSchedules(adapters)),
    models: async () => (await import("./wire/models.ts")).modelList(adapters),
    queuedTools: once(async () => {
      const chunk = import("./wire/queued-tools.ts");
      const [{ createQueuedTools }, { tools }, { toolParts }] = await Promise.all([chunk, queues(), answering()]);
      return createQueuedTools(adapters, toolParts, tools);
    }),
  };
}

function once<T>(create: () => Promise<T>): () => Promise<T> {
  let created: Promise<T> | undefined;
  return () => (created ??= create());
}

function lateFacts(memory: () => Promise<MemoryWire>): FactStore {
  return {
    remember: async (...call) => (await memory()).facts.remember(...call),
    recall: async (...call) => (await memory()).facts.recall(...call),
    list: async (...call) => (await memory()).facts.list(...call),
    search: async (...call) => (await memory()).facts.search(...call),
    nearest: async (...call) => (await memory()).facts.nearest(...call),
  };
}

function createEdge(adapters: Adapters): EdgeWire {
  const { config, redis, clock } = adapters;
  const { qstash } = config;
  return {
    clock,
    meter: adapters.meter,
    ...createIdentityWire(adapters),
    gate: upstashGate({ redis, clock, blocked: blockedOf(config) }),
    ended: endedOf(config),
    pingStorage: async () => {
      await redis.command(["PING"], String);
    },
    async sendTally(tally) {
      const { sendTally } = await import("./upstash/ops-store.ts");
      await sendTally(redis, tally, clock.now());
    },
    appUrl: config.appUrl,
    internalKey: internalKeyOf(config),
    queueName: config.queue,
    async verifyDelivery(delivery) {
      if (config.skipsSignatures && delivery.signature === undefined) return true;
      if (qstash === undefined) return false;
      const { qstashVerifier } = await import("./upstash/signature.ts");
      return qstashVerifier({ current: qstash.currentSigningKey, next: qstash.nextSigningKey })(delivery);
    },
  };
}

function unitInterval(source: Random): number {
  return (source.bytes(1)[0] ?? 0) / 256;
}
