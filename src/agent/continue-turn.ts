import type { ConversationRef } from "../event/event-log.ts";
import type { ConversationMemory } from "../memory/summary.ts";
import { isDead, takeUpTurn, type ChatParts } from "./chat.ts";
import type { FrameSink } from "./run-turn.ts";
import { currentTurn } from "./turn-state.ts";

export type ContinueOutcome =
  /** The segment ran, and the turn is over or was sent on. */
  | { readonly kind: "ran" }
  /** Nothing runs there, or somebody was faster. */
  | { readonly kind: "stale" }
  /** Its producer lives, as far as anybody knows before `retryAfterMs`. */
  | { readonly kind: "held"; readonly retryAfterMs: number };

/**
 * Takes up a turn that nobody produces any more, with no reader to write to: whoever comes back finds it in the event list.
 * @throws redis_unavailable (retry)
 */
export async function continueTurn(
  parts: ChatParts,
  ref: ConversationRef,
  o: { readonly memory: () => Promise<ConversationMemory>; readonly leaseMs: number },
): Promise<ContinueOutcome> {
  const records = await parts.log.read(ref);
  const turn = currentTurn(records);
  if (turn === undefined || turn.ending !== undefined) return { kind: "stale" };
  if (!isDead(parts, turn)) {
    return { kind: "held", retryAfterMs: Math.max(0, turn.lastAt + o.leaseMs - parts.clock.now()) };
  }
  const taken = await takeUpTurn(parts, ref, turn, records, await o.memory(), nobody);
  if (taken.kind === "moved") return { kind: "stale" };
  // That it goes on elsewhere is no failure here: there is no reader who would have to resume.
  await taken.done.catch((error: unknown) => parts.logger.info("a turn left this segment", { cause: error }));
  return { kind: "ran" };
}

const nobody: FrameSink = { write: () => Promise.resolve(), isClosed: () => true };
