/**
 * Identity and limit in one pipeline: the claim's look-up and the limiter's EVALSHA. It is the edge's `Gate` by its shape; adapters do not
 * know the edge.
 */
import type { Clock } from "../core/ports.ts";
import type { BlockedCallers } from "../limit/blocked-callers.ts";
import { onFailure, type LimiterName, type LimitVerdict } from "../limit/limiter.ts";
import type { Claim } from "../session/claim.ts";
import type { Identity } from "../session/identity.ts";
import type { RedisClient } from "./batch.ts";
import { confirmClaim } from "./confirm-claim.ts";
import { takeLimit } from "./rate-limiter.ts";

export interface GateParts {
  readonly redis: RedisClient;
  readonly clock: Clock;
  readonly blocked: BlockedCallers;
}

export function upstashGate({ redis, clock, blocked }: GateParts) {
  return {
    async pass({ claim, limiter, caller }: { claim: Claim; limiter: LimiterName; caller: string }) {
      const known = blocked.find(limiter, caller, clock.now());
      if (known !== undefined) return { identity: undefined, limit: known };
      let identity: Promise<Identity | undefined> | undefined;
      let limit: Promise<LimitVerdict> | undefined;
      const trip = redis.run((batch) => {
        identity = confirmClaim(batch, claim, clock.now());
        limit = takeLimit({ batch, redis, clock, name: limiter, caller });
      });
      const verdict = await trip.then(() => limit).catch((error: unknown) => letThrough(limiter, error));
      if (verdict !== undefined) blocked.note(limiter, caller, verdict);
      return { identity: await identity, limit: verdict };
    },
  };
}

/** Whoever has to be looked up is not let through by this: that fails by itself. */
function letThrough(limiter: LimiterName, error: unknown): undefined {
  if (onFailure[limiter] === "closed") throw error;
  return undefined;
}
