import { invariant } from "../core/ports.ts";
import type { ConversationRef } from "../event/event-log.ts";
import type { LimitVerdict } from "../limit/limiter.ts";
import { emptyMemory, type ConversationMemory } from "../memory/summary.ts";
import type { ProvenClaim } from "../session/claim.ts";
import type { Identity } from "../session/identity.ts";
import { confirmClaim } from "./confirm-claim.ts";
import { memoryPart } from "./conversation-store.ts";
import type { GateParts } from "./gate.ts";
import { takeLimit } from "./rate-limiter.ts";
import { spentPart } from "./token-budget.ts";

interface Passage {
  readonly claim: ProvenClaim;
  readonly caller: string;
  readonly ref: ConversationRef;
}

/**
 * The admission of a chat turn over Redis: one pipeline of the identity's look-up, the limiter's EVALSHA and LRANGE; and GET where tokens are counted. When the trip fails
 * nobody is admitted, as `onFailure.chat` has it: without its history there is no turn.
 */
export function upstashAdmission({ redis, clock, blocked, isCounting }: GateParts & { readonly isCounting: boolean }) {
  return {
    async admit({ claim, caller, ref }: Passage) {
      const known = blocked.find("chat", caller, clock.now());
      if (known !== undefined)
        return { identity: undefined, limit: known, memory: emptyMemory, tokensSpent: undefined };
      let identity: Promise<Identity | undefined> | undefined;
      let limit: Promise<LimitVerdict> | undefined;
      let memory: Promise<ConversationMemory> | undefined;
      let spent: Promise<number> | undefined;
      await redis.run((batch) => {
        identity = confirmClaim(batch, claim, clock.now());
        limit = takeLimit({ batch, redis, clock, name: "chat", caller });
        memory = memoryPart(batch, ref);
        if (isCounting) spent = spentPart(batch, ref.userId, clock.now());
      });
      invariant(limit !== undefined && memory !== undefined, "a batch settles what was added to it");
      const verdict = await limit;
      blocked.note("chat", caller, verdict);
      return { identity: await identity, limit: verdict, memory: await memory, tokensSpent: await spent };
    },
  };
}
