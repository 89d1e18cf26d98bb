import type { ConversationRef } from "../event/event-log.ts";
import type { LimitVerdict } from "../limit/limiter.ts";
import type { ConversationMemory } from "../memory/summary.ts";
import type { SessionRecord, SessionRef } from "../session/session.ts";

/** What a chat turn must know before the model is called. */
export interface Admitted {
  /** `undefined` when the session was ended or never there. */
  readonly session: SessionRecord | undefined;
  readonly limit: LimitVerdict;
  readonly memory: ConversationMemory;
}

/** Session, limit and history of one conversation, asked in one round trip. Counts one chat turn. Cost: at most 7 billed commands. */
export interface Admission {
  admit(passage: {
    readonly session: SessionRef;
    readonly caller: string;
    readonly ref: ConversationRef;
  }): Promise<Admitted>;
}
