import type { TurnQueue } from "../agent/chat.ts";
import type { Config, QstashConfig } from "../config.ts";
import type { Meter } from "../core/meter.ts";
import { Secret } from "../core/secret.ts";
import type { CallPort } from "../engine/engine-parts.ts";
import type { Queue } from "../engine/queue.ts";
import { fetchQueue, noCalls } from "../system/fetch-queue.ts";
import type { Qstash } from "../upstash/qstash.ts";
import { enginePaths, upstashCalls, upstashQueue, upstashTurnQueue } from "../upstash/queue.ts";
import type { Adapters } from "./adapters.ts";

export interface Queues {
  readonly runs: Queue;
  readonly turns: TurnQueue;
  readonly calls: CallPort;
}

export function createQueues(adapters: Adapters): Queues {
  const { config, meter, clock } = adapters;
  const { appUrl } = config;
  if (config.queue === "qstash" && config.qstash !== undefined) {
    const qstash = lateQstash(config.qstash, meter);
    return {
      runs: upstashQueue({ qstash, appUrl, clock }),
      turns: upstashTurnQueue({ qstash, appUrl }),
      calls: upstashCalls({ qstash, appUrl }),
    };
  }
  const internalKey = internalKeyOf(config).reveal();
  const queue = fetchQueue({ ...adapters, appUrl, paths: enginePaths, internalKey });
  return { runs: queue, turns: queue, calls: noCalls };
}

/** Most requests send no message: the client is loaded by the first one that does. */
function lateQstash(options: QstashConfig, meter: Meter): Qstash {
  return {
    async publish(message) {
      const { qstashClient } = await import("../upstash/qstash.ts");
      return qstashClient({ ...options, meter }).publish(message);
    },
  };
}

/** Without a key of its own the app's calls to itself are proven by the secret that it has anyway. */
export function internalKeyOf({ internalKey, sessionSecret }: Config): Secret {
  return internalKey ?? new Secret(`internal:${sessionSecret.reveal()}`);
}
