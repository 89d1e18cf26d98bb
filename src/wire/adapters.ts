/** The adapters of one invocation: what every service stands on. */
import { parseConfig, type Config } from "../config.ts";
import { limits } from "../core/limits.ts";
import { createMeter, type Meter } from "../core/meter.ts";
import { tallyOf, type RedisTally, type Tally } from "../core/tally.ts";
import type { Clock, Log, Random } from "../core/ports.ts";
import { systemClock } from "../system/clock.ts";
import { systemPause } from "../system/pause.ts";
import { systemRandom } from "../system/random.ts";
import { upstashClient, type RedisClient } from "../upstash/batch.ts";
import type { EventFeedOptions } from "../upstash/event-feed.ts";
import { createVault, type Vault } from "../upstash/vault.ts";
import { perConfig } from "./per-config.ts";

/** Everything that an invocation is given by the platform. */
export interface Invocation {
  readonly env: object;
  readonly log: Log;
  /** Keeps the invocation alive for work that goes on after the answer. */
  readonly waitUntil: (work: Promise<unknown>) => void;
  /** The machine's, where no test decides it. */
  readonly time?: Time;
}

export interface Time {
  readonly clock: Clock;
  /** Waits; rejects when the signal aborts. */
  readonly pause: (ms: number, signal: AbortSignal) => Promise<void>;
}

export interface Adapters extends Time {
  readonly config: Config;
  readonly log: Log;
  readonly waitUntil: (work: Promise<unknown>) => void;
  readonly random: Random;
  readonly meter: Meter;
  /** The isolate's. */
  readonly tally: Tally;
  readonly vault: Vault;
  readonly redis: RedisClient;
  readonly feed: EventFeedOptions;
  /** Counted. */
  readonly fetch: (url: string, init: RequestInit) => Promise<Response>;
}

const systemTime: Time = { clock: systemClock, pause: systemPause };

/** @throws misconfigured (park) with every problem of the environment. */
export function createAdapters({ env, log, waitUntil, time = systemTime }: Invocation): Adapters {
  const config = parseConfig(env);
  if (config.queue === "fetch") tellOfFallback(env, log);
  const meter = createMeter();
  const tally = tallyOf(env, time.clock.now());
  const vault = vaultOf(config, log);
  const onRoundTrip = (commands: number) => countRoundTrip(meter, tally.redis, time.clock, commands);
  return {
    ...time,
    config,
    log,
    waitUntil,
    random: systemRandom,
    meter,
    tally,
    vault,
    redis: upstashClient({
      ...config.redis,
      vault,
      timeoutMs: limits.redisTimeoutMs,
      onRoundTrip,
      onScriptCalls(calls) {
        meter.commands += calls;
        tally.redis.commands += calls;
      },
    }),
    feed: { ...config.redis, vault, fetch: (url, init) => fetch(url, init), onRoundTrip },
    fetch(url, init) {
      meter.subrequests += 1;
      return fetch(url, init);
    },
  };
}

/** @returns what counts its end. */
function countRoundTrip(meter: Meter, tally: RedisTally, clock: Clock, commands: number) {
  const startedAtMs = clock.now();
  meter.roundTrips += 1;
  meter.subrequests += 1;
  meter.commands += commands;
  tally.roundTrips += 1;
  tally.commands += commands;
  return (isAnswered: boolean): void => {
    tally.waitedMs += clock.now() - startedAtMs;
    if (!isAnswered) tally.failures += 1;
  };
}

const toldOfFallback = new WeakSet<object>();

/** Once per isolate, which has one environment. */
function tellOfFallback(env: object, log: Log): void {
  if (toldOfFallback.has(env)) return;
  toldOfFallback.add(env);
  log.warn("there is no queue: the app calls itself, and what is lost waits for the sweep", { queue: "fetch" });
}

/** Its keys are imported once. */
const vaultOf = perConfig(({ encryption: { keys, clear }, environment }, log: Log): Vault => {
  if (keys.length === 0 && environment === "production") {
    log.warn("ENCRYPTION_KEYS is not set: what users write is stored in clear", {});
  }
  return createVault({ keys, clear, random: systemRandom });
});
