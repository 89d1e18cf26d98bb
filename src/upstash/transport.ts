/**
 * One POST of a list of commands to the Upstash Redis REST API, by the official client.
 *
 * What the client would do by itself is switched off: retries (a lost INCR would be sent six times), automatic
 * pipelining, parsing of values, telemetry, base64. The signal is given as a function, because with a bare `AbortSignal`
 * an aborted read resolves to a value.
 *
 * Round trips that begin close to each other share one timeout. One for each would live on long after its trip: a run of quick steps would carry
 * thousands of them, of which workerd allows 10,000, and pay for each.
 */
import { Redis } from "@upstash/redis/cloudflare";
import { AppError } from "../core/errors.ts";
import { limits } from "../core/limits.ts";
import type { RedisArgument, UpstashClientOptions } from "./batch.ts";
import { tripFailed } from "./fault.ts";

/** What Redis says to one command: a result (`null` included) or a refusal. */
export interface Reply {
  readonly result: unknown;
  readonly error: string | undefined;
}

/** @throws redis_unavailable, misconfigured, internal; see `tripFailed`. Costs one round trip, sent once. */
export type Transport = (
  endpoint: "pipeline" | "multi-exec",
  commands: readonly (readonly RedisArgument[])[],
) => Promise<Reply[]>;

export function createTransport(options: UpstashClientOptions): Transport {
  const wire = new CommandWire({
    url: options.url,
    token: options.token.reveal(),
    retry: { retries: 0 },
    enableAutoPipelining: false,
    automaticDeserialization: false,
    enableTelemetry: false,
    responseEncoding: false,
    signal: sharedTimeout(options.timeoutMs),
  });
  return async (endpoint, commands) => {
    const onEnd = options.onRoundTrip?.(commands.length);
    let isAnswered = false;
    try {
      const body = await wire.post(endpoint, commands).catch((thrown: unknown) => {
        throw tripFailed(thrown);
      });
      if (!Array.isArray(body)) throw new AppError("redis_unavailable", "Redis answered with no list of replies");
      const replies = body.map(toReply);
      isAnswered = true;
      return replies;
    } finally {
      onEnd?.(isAnswered);
    }
  };
}

/** @returns a signal that is aborted when `timeoutMs` have passed, or up to `limits.redisTimeoutSharedMs` later. */
function sharedTimeout(timeoutMs: number): () => AbortSignal {
  let old: AbortSignal | undefined;
  let timeout: AbortSignal | undefined;
  return () => {
    if (timeout === undefined || old?.aborted === true) {
      old = AbortSignal.timeout(limits.redisTimeoutSharedMs);
      timeout = AbortSignal.timeout(timeoutMs + limits.redisTimeoutSharedMs);
    }
    return timeout;
  };
}

/** The official client with its request level made reachable: it has no public call for lists of any commands. */
class CommandWire extends Redis {
  post(endpoint: string, commands: readonly (readonly RedisArgument[])[]): Promise<unknown> {
    return this.client.request({ path: [endpoint], body: commands });
  }
}

function toReply(entry: unknown): Reply {
  if (typeof entry !== "object" || entry === null) {
    throw new AppError("redis_unavailable", "Redis answered a command with neither result nor error");
  }
  const { result, error } = entry as { result?: unknown; error?: unknown };
  if (typeof error === "string") return { result: undefined, error };
  if (result === undefined)
    throw new AppError("redis_unavailable", "Redis answered a command with neither result nor error");
  return { result, error: undefined };
}
