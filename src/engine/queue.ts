import type { AppError } from "../core/errors.ts";
import type { RunRef } from "./journal.ts";
import { startedKey, type RunState } from "./run-state.ts";

/** The order to run the next segment, as the queue carries it. */
export interface Trigger {
  readonly ref: RunRef;
  /** Name and version; decides whose budget is loaded with the journal. */
  readonly definition: string;
  /**
   * Segments opened so far, where the trigger follows one of them: it has no effect once another segment was opened. Absent for triggers from
   * outside, which must not be lost whatever happened meanwhile.
   */
  readonly after?: number;
  /** Set where somebody else than the queue carries the run (`started.executor`): segments opened so far, which tells what it waits for. */
  readonly carriedSegments?: number;
}

/** For whoever has read the journal and finds that the run has to go on. */
export function triggerOf(ref: RunRef, { started, segments, volume }: RunState): Trigger {
  const carried = started?.executor === undefined ? {} : { carriedSegments: segments };
  return { ref: { ...ref, volume }, definition: startedKey(started), ...carried };
}

/** Brings a run to its next segment. At least once: a trigger may arrive twice, late, or out of order. */
export interface Queue {
  /** Whether a trigger is a message that somebody bills: receipts are written before the last trigger is sent. */
  readonly isBilled: boolean;
  /** Now. 1 billed message. */
  triggerNextStep(trigger: Trigger): Promise<void>;
  /**
   * Now, independent of each other, in as few requests as the queue can: one, where it takes several messages in one. 1 billed message for each.
   * @returns for each, in order, why the queue did not take it; `undefined` where it did.
   */
  triggerNextSteps(triggers: readonly Trigger[]): Promise<readonly (AppError | undefined)[]>;
  /** `delayMs` after the queue has taken it, by the queue's own clock. A queue that cannot wait so long delivers earlier; the segment then sends the rest of the way. */
  scheduleStep(trigger: Trigger, delayMs: number): Promise<void>;
  /** At `atMs` (unix ms) of our clock; like `scheduleStep`. */
  scheduleStepAt(trigger: Trigger, atMs: number): Promise<void>;
}

/** `triggerNextSteps` for some of the triggers. @returns for each of all of them; `undefined` where it is nobody's to send. */
export async function triggerSome(
  queue: Pick<Queue, "triggerNextSteps">,
  triggers: readonly Trigger[],
  isSent: (trigger: Trigger, index: number) => boolean,
): Promise<readonly (AppError | undefined)[]> {
  const sent = triggers.filter(isSent);
  const failures = await queue.triggerNextSteps(sent);
  const failureOf = new Map(sent.map((trigger, index) => [trigger, failures[index]]));
  return triggers.map((trigger) => failureOf.get(trigger));
}
