import type { RunRef } from "../engine/journal.ts";
import { triggerSome, type Queue, type Trigger } from "../engine/queue.ts";

/** Who carries runs in place of the queue. */
export interface Carrier {
  /** Begins to carry a run that is recorded. Safe to repeat. @throws queue_unavailable (retry) */
  start(run: { readonly ref: RunRef; readonly definition: string }): Promise<void>;
  /** Wakes the carrier where it waits after so many segments of the run. False when it does not. */
  wake(ref: RunRef, segments: number): Promise<boolean>;
}

/** The event that a carrier waits for after so many segments of a run. */
export function wordEvent({ runId }: RunRef, segments: number): string {
  return `word-${runId}-${segments}`;
}

/** Hands triggers of carried runs to their carrier; where it waits for nothing, the queue brings the run on, so that no word is lost. */
export function carriedQueue(queue: Queue, carrier: Pick<Carrier, "wake">): Queue {
  const isCarriersToWake = async ({ ref, carriedSegments }: Trigger): Promise<boolean> =>
    carriedSegments !== undefined && carrier.wake(ref, carriedSegments);
  return {
    ...queue,
    async triggerNextStep(trigger) {
      if (!(await isCarriersToWake(trigger))) await queue.triggerNextStep(trigger);
    },
    async triggerNextSteps(triggers) {
      // Whether a carrier that did not answer was woken is not known: the queue brings that run on, and the journal lets one of them act.
      const areWoken = await Promise.all(triggers.map((trigger) => isCarriersToWake(trigger).catch(() => false)));
      return triggerSome(queue, triggers, (_trigger, index) => areWoken[index] !== true);
    },
  };
}
