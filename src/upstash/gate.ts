/**
 * Identity and limit in one pipeline: the claim's look-up and the limiter's EVALSHA. It is the edge's `Gate` by its shape; adapters do not
 * know the edge.
 */
import type { Clock } from "../core/ports.ts";
import type { LimiterName, LimitVerdict } from "../limit/limiter.ts";
import type { Claim } from "../session/claim.ts";
import type { Identity } from "../session/identity.ts";
import type { RedisClient } from "./batch.ts";
import { confirmClaim } from "./confirm-claim.ts";
import { takeLimit } from "./rate-limiter.ts";

export function upstashGate(redis: RedisClient, clock: Clock) {
  return {
    async pass(passage: { claim: Claim; limiter: LimiterName; caller: string }) {
      let identity: Promise<Identity | undefined> | undefined;
      let limit: Promise<LimitVerdict> | undefined;
      await redis.run((batch) => {
        identity = confirmClaim(batch, passage.claim, clock.now());
        limit = takeLimit({ batch, redis, clock, name: passage.limiter, caller: passage.caller });
      });
      return { identity: await identity, limit: (await limit)! };
    },
  };
}
