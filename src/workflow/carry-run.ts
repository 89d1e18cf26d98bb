/**
 * One step of whoever carries a run in place of the queue: runs one segment, and says what has to happen before the next.
 *
 * The run is the same, its journal, events and receipt too: only who brings it from segment to segment differs. Should the carrier be lost, the sweep sends for the
 * run by the queue; should both come, the journal lets one of them act.
 */
import { limits } from "../core/limits.ts";
import type { EngineParts } from "../engine/engine-parts.ts";
import type { Failure } from "../engine/journal-entry.ts";
import { foldRun } from "../engine/fold-run.ts";
import type { RunRef } from "../engine/journal.ts";
import { openSegment } from "../engine/open-segment.ts";
import { triggerSome, type Queue, type Trigger } from "../engine/queue.ts";
import { hasNews, isOver, isRunOut, type RunState, type RunStatus } from "../engine/run-state.ts";

export type CarryEnd =
  | { readonly kind: "over"; readonly status: RunStatus }
  /** The next segment, now. */
  | { readonly kind: "on" }
  /** Nothing but time has to pass. Unix ms. */
  | { readonly kind: "sleep"; readonly untilMs: number }
  /** Somebody has to say something, or time has to pass; `segments` tells this wait from the others of the run. */
  | { readonly kind: "wait"; readonly untilMs: number; readonly segments: number }
  | { readonly kind: "unknown" };

/** Runs one segment. @throws redis_unavailable, queue_unavailable (retry) */
export async function carryRun<Services>(
  engine: EngineParts<Services>,
  ref: RunRef,
  definition: string,
): Promise<CarryEnd> {
  const outcome = await openSegment(withoutOwn(engine, ref), { ref, definition }, undefined);
  if (outcome.kind === "unknown") return outcome;
  return judge(foldRun(await engine.journal.read(ref, 0)).state, engine.clock.now());
}

/**
 * Ends the run in failure and undoes what it did, in this invocation or, where that takes longer, by the queue.
 * @returns false while another segment has the run.
 */
export async function giveUpRun<Services>(
  engine: EngineParts<Services>,
  ref: RunRef,
  failure: Failure,
): Promise<boolean> {
  const { state } = foldRun(await engine.journal.read(ref, 0));
  if (state.started === undefined || isOver(state.status)) return true;
  const definition = `${state.started.definition}@${state.started.version}`;
  const { kind } = await openSegment(engine, { ref, definition }, undefined, { failure });
  return kind !== "held";
}

function judge(state: RunState, now: number): CarryEnd {
  const { holder, status, segments } = state;
  if (isOver(status)) return { kind: "over", status };
  if (holder !== undefined) {
    return isRunOut(holder, now) ? { kind: "on" } : { kind: "sleep", untilMs: holder.lastAt + holder.leaseMs + 1 };
  }
  if (status === "parked" || status === "paused")
    return { kind: "wait", untilMs: now + limits.queueDelayMsMax, segments };
  const isWaiting = (status === "waiting" || state.wakesAtMs !== undefined) && !hasNews(state);
  if (!isWaiting) return { kind: "on" };
  const untilMs = Math.min(state.wakesAtMs ?? Infinity, now + limits.queueDelayMsMax);
  const isForWord = [...state.waits.values()].some(({ signal }) => signal !== undefined);
  return isForWord ? { kind: "wait", untilMs, segments } : { kind: "sleep", untilMs };
}

/** What a segment sends for its own run is the carrier's business; messages for others, a parent or a child, go their way. */
function withoutOwn<Services>(engine: EngineParts<Services>, { runId }: RunRef): EngineParts<Services> {
  const { queue } = engine;
  const isOwn = (trigger: Trigger): boolean => trigger.ref.runId === runId;
  const others: Queue = {
    isBilled: queue.isBilled,
    triggerNextStep: async (trigger) => {
      if (!isOwn(trigger)) await queue.triggerNextStep(trigger);
    },
    triggerNextSteps: (triggers) => triggerSome(queue, triggers, (trigger) => !isOwn(trigger)),
    scheduleStep: async (trigger, delayMs) => {
      if (!isOwn(trigger)) await queue.scheduleStep(trigger, delayMs);
    },
    scheduleStepAt: async (trigger, atMs) => {
      if (!isOwn(trigger)) await queue.scheduleStepAt(trigger, atMs);
    },
  };
  return { ...engine, queue: others };
}
