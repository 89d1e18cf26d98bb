/**
 * The composition root: the environment's strings become adapters, adapters become services. Nothing else knows both sides.
 *
 * Built once per request, since a Worker may not use one request's connections in another. It does no I/O.
 */
import { chatPrompt, chatTools } from "./agent/chat-tools.ts";
import type { ChatParts } from "./agent/chat.ts";
import type { FollowTurnParts } from "./agent/follow-turn.ts";
import { parseConfig, type Config } from "./config.ts";
import { limits } from "./core/limits.ts";
import { Secret } from "./core/secret.ts";
import { createMeter, type Meter } from "./core/meter.ts";
import type { Clock, Log, Random } from "./core/ports.ts";
import { budgetProfiles } from "./engine/budget.ts";
import type { EngineParts } from "./engine/engine-parts.ts";
import type { RunFeed } from "./engine/follow-run.ts";
import type { RunIndex } from "./engine/journal.ts";
import { createRunRegistry } from "./engine/run-definition.ts";
import type { Admission } from "./http/admission.ts";
import type { EdgeWire } from "./http/edge-wire.ts";
import type { ConversationStore } from "./memory/conversation-store.ts";
import { openAiModel } from "./model/openai-model.ts";
import { bookDinner } from "./saga/book-dinner.ts";
import type { SagaServices } from "./saga/saga-services.ts";
import { createSessions } from "./session/sessions.ts";
import { systemClock } from "./system/clock.ts";
import { fetchQueue, noCalls } from "./system/fetch-queue.ts";
import { systemPause } from "./system/pause.ts";
import { systemRandom } from "./system/random.ts";
import { restaurantClient } from "./system/restaurant-client.ts";
import { builtInTools } from "./tool/built-in.ts";
import { createToolRegistry } from "./tool/registry.ts";
import { upstashAdmission } from "./upstash/admission.ts";
import { upstashClient } from "./upstash/batch.ts";
import { upstashConversationStore } from "./upstash/conversation-store.ts";
import { upstashEventFeed, upstashRunFeed } from "./upstash/event-feed.ts";
import { upstashEventLog } from "./upstash/event-log.ts";
import { upstashFactStore } from "./upstash/fact-store.ts";
import { upstashGate } from "./upstash/gate.ts";
import { upstashDueRuns, upstashJournal, upstashRunIndex } from "./upstash/journal.ts";
import { qstashClient } from "./upstash/qstash.ts";
import { enginePaths, upstashCalls, upstashQueue } from "./upstash/queue.ts";
import { upstashSessionStore } from "./upstash/session-store.ts";
import { qstashVerifier } from "./upstash/signature.ts";

export interface Wire extends EdgeWire {
  readonly admission: Admission;
  readonly chat: ChatParts;
  readonly conversations: ConversationStore;
  readonly follow: FollowTurnParts;
  readonly engine: EngineParts<RunServices>;
  readonly runIndex: RunIndex;
  readonly runFeed: RunFeed;
}

/** What the runs of this app are given. */
export type RunServices = SagaServices;

/** Everything that an invocation is given by the platform. */
export interface Invocation {
  readonly env: object;
  readonly log: Log;
  /** Keeps the invocation alive for work that goes on after the answer. */
  readonly waitUntil: (work: Promise<unknown>) => void;
}

const tools = createToolRegistry(builtInTools);
const runs = createRunRegistry<RunServices>([bookDinner]);
const clock: Clock = systemClock;
const random: Random = systemRandom;
const pause = systemPause;

/** @throws misconfigured (park) with every problem of the environment. */
export function createWire({ env, log, waitUntil }: Invocation): Wire {
  const config = parseConfig(env);
  const meter = createMeter();
  const redis = upstashClient({
    ...config.redis,
    timeoutMs: limits.redisTimeoutMs,
    onRoundTrip: (commands) => countRoundTrip(meter, commands),
  });
  const eventLog = upstashEventLog(redis, clock);
  const facts = upstashFactStore(redis);
  const sendFetch = (url: string, init: RequestInit): Promise<Response> => {
    meter.subrequests += 1;
    return fetch(url, init);
  };
  const journal = upstashJournal(redis, clock);
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
    verifyDelivery:
      config.qstash === undefined
        ? () => Promise.resolve(false)
        : qstashVerifier({ current: config.qstash.currentSigningKey, next: config.qstash.nextSigningKey }),
    admission: upstashAdmission(redis, clock),
    chat: {
      log: eventLog,
      model: openAiModel({
        baseUrl: config.model.baseUrl,
        apiKey: config.model.apiKey.reveal(),
        modelName: config.model.name,
        fetch: sendFetch,
        firstByteMsMax: limits.modelFirstByteMsMax,
        idleMsMax: limits.modelIdleMsMax,
      }),
      tools: chatTools({ registry: tools, facts, clock, log }),
      clock,
      random,
      logger: log,
      pause,
      systemPrompt: chatPrompt(clock.now()),
    },
    conversations: upstashConversationStore(redis, clock),
    follow: {
      clock,
      log: eventLog,
      feed: upstashEventFeed({ ...config.redis, fetch: sendFetch }),
      pause,
      random: () => unitInterval(random),
    },
    engine: {
      journal,
      dueRuns: upstashDueRuns(redis),
      budgets: journal,
      ...queuePorts({ config, meter, log, waitUntil, fetch: sendFetch }),
      registry: runs,
      services: { restaurants: restaurantClient({ url: config.restaurantUrl, fetch: sendFetch }) },
      profile: budgetProfiles[config.workersPlan],
      meter,
      clock,
      random,
      pause,
      log,
    },
    runIndex: upstashRunIndex(redis),
    runFeed: upstashRunFeed({ ...config.redis, fetch: sendFetch }),
  };
}

interface QueueWiring {
  readonly config: Config;
  readonly meter: Meter;
  readonly log: Log;
  readonly waitUntil: (work: Promise<unknown>) => void;
  readonly fetch: (url: string, init: RequestInit) => Promise<Response>;
}

function queuePorts({ config, meter, log, waitUntil, fetch: send }: QueueWiring) {
  const { appUrl } = config;
  if (config.queue === "qstash" && config.qstash !== undefined) {
    const qstash = qstashClient({ ...config.qstash, meter });
    return { queue: upstashQueue({ qstash, appUrl, clock }), calls: upstashCalls({ qstash, appUrl }) };
  }
  const url = `${appUrl}${enginePaths.executeStep}`;
  const internalKey = internalKeyOf(config).reveal();
  return {
    queue: fetchQueue({ url, internalKey, fetch: send, pause, waitUntil, clock, meter, log }),
    calls: noCalls,
  };
}

/** Without a key of its own the app's calls to itself are proven by the secret that it has anyway. */
function internalKeyOf({ internalKey, sessionSecret }: Config): Secret {
  return internalKey ?? new Secret(`internal:${sessionSecret.reveal()}`);
}

function countRoundTrip(meter: Meter, commands: number): void {
  meter.roundTrips += 1;
  meter.subrequests += 1;
  meter.commands += commands;
}

function unitInterval(source: Random): number {
  return (source.bytes(1)[0] ?? 0) / 256;
}
