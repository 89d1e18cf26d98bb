/** The adapters of one invocation: what every service stands on. */
import { parseConfig, type Config } from "../config.ts";
import { limits } from "../core/limits.ts";
import { createMeter, type Meter } from "../core/meter.ts";
import type { Clock, Log, Random } from "../core/ports.ts";
import { systemClock } from "../system/clock.ts";
import { systemPause } from "../system/pause.ts";
import { systemRandom } from "../system/random.ts";
import { upstashClient, type RedisClient } from "../upstash/batch.ts";

/** Everything that an invocation is given by the platform. */
export interface Invocation {
  readonly env: object;
  readonly log: Log;
  /** Keeps the invocation alive for work that goes on after the answer. */
  readonly waitUntil: (work: Promise<unknown>) => void;
}

export interface Adapters {
  readonly config: Config;
  readonly log: Log;
  readonly waitUntil: (work: Promise<unknown>) => void;
  readonly clock: Clock;
  readonly random: Random;
  readonly pause: typeof systemPause;
  readonly meter: Meter;
  readonly redis: RedisClient;
  /** Counted. */
  readonly fetch: (url: string, init: RequestInit) => Promise<Response>;
}

/** @throws misconfigured (park) with every problem of the environment. */
export function createAdapters({ env, log, waitUntil }: Invocation): Adapters {
  const config = parseConfig(env);
  const meter = createMeter();
  return {
    config,
    log,
    waitUntil,
    clock: systemClock,
    random: systemRandom,
    pause: systemPause,
    meter,
    redis: upstashClient({
      ...config.redis,
      timeoutMs: limits.redisTimeoutMs,
      onRoundTrip: (commands) => countRoundTrip(meter, commands),
    }),
    fetch(url, init) {
      meter.subrequests += 1;
      return fetch(url, init);
    },
  };
}

function countRoundTrip(meter: Meter, commands: number): void {
  meter.roundTrips += 1;
  meter.subrequests += 1;
  meter.commands += commands;
}
