/** The gate over Redis: one pipeline of GETEX and the limiter's EVALSHA. */
import type { Clock } from "../core/ports.ts";
import type { Gate } from "../limit/gate.ts";
import type { LimitVerdict } from "../limit/limiter.ts";
import type { SessionRecord } from "../session/session.ts";
import type { RedisClient } from "./batch.ts";
import { takeLimit } from "./rate-limiter.ts";
import { touchSession } from "./session-store.ts";

export function upstashGate(redis: RedisClient, clock: Clock): Gate {
  return {
    async pass({ session: ref, limiter, caller }) {
      let session: Promise<SessionRecord | undefined> | undefined;
      let limit: Promise<LimitVerdict> | undefined;
      await redis.run((batch) => {
        if (ref !== undefined) session = touchSession(batch, ref);
        limit = takeLimit({ batch, redis, clock, name: limiter, caller });
      });
      return { session: await session, limit: (await limit)! };
    },
  };
}
