import { invariant, type Clock } from "../core/ports.ts";
import type { ConversationRef } from "../event/event-log.ts";
import type { LimitVerdict } from "../limit/limiter.ts";
import type { ConversationMemory } from "../memory/summary.ts";
import type { ProvenClaim } from "../session/claim.ts";
import type { Identity } from "../session/identity.ts";
import type { RedisClient } from "./batch.ts";
import { confirmClaim } from "./confirm-claim.ts";
import { memoryPart } from "./conversation-store.ts";
import { takeLimit } from "./rate-limiter.ts";

interface Passage {
  readonly claim: ProvenClaim;
  readonly caller: string;
  readonly ref: ConversationRef;
}

/** The admission of a chat turn over Redis: one pipeline of the identity's look-up, the limiter's EVALSHA and LRANGE. */
export function upstashAdmission(redis: RedisClient, clock: Clock) {
  return {
    async admit({ claim, caller, ref }: Passage) {
      let identity: Promise<Identity | undefined> | undefined;
      let limit: Promise<LimitVerdict> | undefined;
      let memory: Promise<ConversationMemory> | undefined;
      await redis.run((batch) => {
        identity = confirmClaim(batch, claim, clock.now());
        limit = takeLimit({ batch, redis, clock, name: "chat", caller });
        memory = memoryPart(batch, ref);
      });
      invariant(limit !== undefined && memory !== undefined, "a batch settles what was added to it");
      return { identity: await identity, limit: await limit, memory: await memory };
    },
  };
}
