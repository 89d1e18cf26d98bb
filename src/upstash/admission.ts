import { invariant, type Clock } from "../core/ports.ts";
import type { ConversationRef } from "../event/event-log.ts";
import type { LimitVerdict } from "../limit/limiter.ts";
import type { ConversationMemory } from "../memory/summary.ts";
import type { SessionRecord, SessionRef } from "../session/session.ts";
import type { RedisClient } from "./batch.ts";
import { memoryPart } from "./conversation-store.ts";
import { takeLimit } from "./rate-limiter.ts";
import { touchSession } from "./session-store.ts";

interface Passage {
  readonly session: SessionRef;
  readonly caller: string;
  readonly ref: ConversationRef;
}

/** The admission of a chat turn over Redis: one pipeline of GETEX, the limiter's EVALSHA and LRANGE. */
export function upstashAdmission(redis: RedisClient, clock: Clock) {
  return {
    async admit({ session: sessionRef, caller, ref }: Passage) {
      let session: Promise<SessionRecord | undefined> | undefined;
      let limit: Promise<LimitVerdict> | undefined;
      let memory: Promise<ConversationMemory> | undefined;
      await redis.run((batch) => {
        session = touchSession(batch, sessionRef);
        limit = takeLimit({ batch, redis, clock, name: "chat", caller });
        memory = memoryPart(batch, ref);
      });
      invariant(limit !== undefined && memory !== undefined, "a batch settles what was added to it");
      return { session: await session, limit: await limit, memory: await memory };
    },
  };
}
