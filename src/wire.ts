/**
 * The composition root: the environment's strings become adapters, adapters become services. Nothing else knows both sides.
 *
 * Built once per request, since a Worker may not use one request's connections in another. It does no I/O.
 */
import { chatPrompt, chatTools } from "./agent/chat-tools.ts";
import type { ChatParts } from "./agent/chat.ts";
import type { FollowTurnParts } from "./agent/follow-turn.ts";
import { parseConfig } from "./config.ts";
import { limits } from "./core/limits.ts";
import type { Clock, Log, Random } from "./core/ports.ts";
import type { Admission } from "./http/admission.ts";
import type { EdgeWire } from "./http/edge-wire.ts";
import type { ConversationStore } from "./memory/conversation-store.ts";
import { openAiModel } from "./model/openai-model.ts";
import { createSessions } from "./session/sessions.ts";
import { systemClock } from "./system/clock.ts";
import { systemPause } from "./system/pause.ts";
import { systemRandom } from "./system/random.ts";
import { builtInTools } from "./tool/built-in.ts";
import { createToolRegistry } from "./tool/registry.ts";
import { upstashAdmission } from "./upstash/admission.ts";
import { upstashClient } from "./upstash/batch.ts";
import { upstashConversationStore } from "./upstash/conversation-store.ts";
import { upstashEventFeed } from "./upstash/event-feed.ts";
import { upstashEventLog } from "./upstash/event-log.ts";
import { upstashFactStore } from "./upstash/fact-store.ts";
import { upstashGate } from "./upstash/gate.ts";
import { upstashSessionStore } from "./upstash/session-store.ts";

export interface Wire extends EdgeWire {
  readonly admission: Admission;
  readonly chat: ChatParts;
  readonly conversations: ConversationStore;
  readonly follow: FollowTurnParts;
}

const tools = createToolRegistry(builtInTools);

/** @throws misconfigured (park) with every problem of the environment. */
export function createWire(env: object, log: Log): Wire {
  const config = parseConfig(env);
  const clock: Clock = systemClock;
  const random: Random = systemRandom;
  const redis = upstashClient({ ...config.redis, timeoutMs: limits.redisTimeoutMs });
  const eventLog = upstashEventLog(redis, clock);
  const facts = upstashFactStore(redis);
  const pause = systemPause;
  const sendFetch = (url: string, init: RequestInit): Promise<Response> => fetch(url, init);
  return {
    clock,
    sessions: createSessions({ store: upstashSessionStore(redis), secret: config.sessionSecret, clock, random }),
    gate: upstashGate(redis, clock),
    tools,
    pingStorage: async () => {
      await redis.command(["PING"], String);
    },
    appUrl: config.appUrl,
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
  };
}

function unitInterval(random: Random): number {
  return (random.bytes(1)[0] ?? 0) / 256;
}
