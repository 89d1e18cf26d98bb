/** Finds turns whose producer died while no reader and no message came to take them up, and lets go of conversations in which nothing runs any more. */
import { isOutage } from "../core/errors.ts";
import { limits } from "../core/limits.ts";
import type { Clock, Log } from "../core/ports.ts";
import type { ConversationRef, DueTurns, EventLog } from "../event/event-log.ts";
import { writerLimits } from "../event/log-writer.ts";
import { isDead, type TurnQueue } from "./chat.ts";
import { currentTurn, type TurnState } from "./turn-state.ts";

export interface SweepTurnsParts {
  readonly log: Pick<EventLog, "readMany">;
  readonly dueTurns: DueTurns;
  readonly queue: TurnQueue;
  readonly clock: Clock;
  readonly logger: Log;
}

/**
 * One round; safe to run twice at once.
 * 1 command when nothing is due; else 3 or 4 round trips, 2 or 3 commands and 2 for each conversation at most, 1 message for each turn that is sent for, all in one request.
 *
 * @param due the conversations that are due where they were read already, as in `sweep`.
 */
export async function sweepTurns(
  parts: SweepTurnsParts,
  due?: readonly ConversationRef[],
): Promise<{ seen: number; triggered: number }> {
  const now = parts.clock.now();
  const refs = due ?? (await parts.dueTurns.overdue(now, limits.sweepRunsMax));
  if (refs.length === 0) return { seen: 0, triggered: 0 };
  const lists = await parts.log.readMany(refs);
  const unreadable = refs.filter((_ref, index) => lists[index] === undefined);
  const seen = refs.flatMap((ref, index) => {
    const records = lists[index];
    return records === undefined ? [] : [{ ref, turn: currentTurn(records) }];
  });
  const running = seen.flatMap(({ ref, turn }) => (isRunning(turn) ? [{ ref, turn }] : []));
  const dead = running.filter(({ turn }) => isDead(parts, turn));
  // Put off first: if we die between the two, the next round finds them again.
  await parts.dueTurns.postpone([
    ...running.map(({ ref, turn }) => ({ ref, dueAtMs: dueAtMs(parts, turn, now) })),
    ...unreadable.map((ref) => ({ ref, dueAtMs: now + limits.sweepUnreadableMs })),
  ]);
  if (unreadable.length > 0)
    parts.logger.error("events cannot be read and are left alone", { count: unreadable.length });
  await parts.dueTurns.retire(seen.filter(({ turn }) => !isRunning(turn)).map(({ ref }) => ref));
  return { seen: refs.length, triggered: dead.length === 0 ? 0 : await continueAll(parts, dead) };
}

/** @returns how many the queue has taken; the next round finds the others. @throws as `sweep` does */
async function continueAll(
  { queue, logger }: SweepTurnsParts,
  dead: readonly { readonly ref: ConversationRef; readonly turn: TurnState }[],
): Promise<number> {
  for (const { turn } of dead) {
    logger.warn("a turn was found without a producer and goes on", { runId: turn.runId });
  }
  const failures = (await queue.continueTurns(dead.map(({ ref }) => ref))).filter((failure) => failure !== undefined);
  if (failures.length > 0) {
    logger.error("the queue does not bring turns on", { count: failures.length, cause: failures[0] });
  }
  const lost = failures.find(isOutage);
  if (lost !== undefined) throw lost;
  return dead.length - failures.length;
}

function isRunning(turn: TurnState | undefined): turn is TurnState {
  return turn !== undefined && turn.ending === undefined;
}

function dueAtMs(parts: SweepTurnsParts, turn: TurnState, now: number): number {
  if (isDead(parts, turn)) return now + limits.sweepAgainMs;
  return turn.lastAt + writerLimits.leaseMs + limits.sweepSlackMs;
}
