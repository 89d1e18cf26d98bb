/**
 * Session and limit in one pipeline: GETEX and the limiter's EVALSHA. It is the edge's `Gate` by its shape; adapters do not
 * know the edge.
 */
import type { Clock } from "../core/ports.ts";
import type { LimiterName, LimitVerdict } from "../limit/limiter.ts";
import type { SessionRecord, SessionRef } from "../session/session.ts";
import type { RedisClient } from "./batch.ts";
import { takeLimit } from "./rate-limiter.ts";
import { touchSession } from "./session-store.ts";

export function upstashGate(redis: RedisClient, clock: Clock) {
  return {
    async pass(passage: { session: SessionRef | undefined; limiter: LimiterName; caller: string }) {
      let session: Promise<SessionRecord | undefined> | undefined;
      let limit: Promise<LimitVerdict> | undefined;
      await redis.run((batch) => {
        if (passage.session !== undefined) session = touchSession(batch, passage.session);
        limit = takeLimit({ batch, redis, clock, name: passage.limiter, caller: passage.caller });
      });
      return { session: await session, limit: (await limit)! };
    },
  };
}
