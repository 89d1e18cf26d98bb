/**
 * A trigger has come: takes the lease if there is one to take, and runs the next segment.
 *
 * A trigger may come twice, late, or for a run that is over: then nothing happens.
 */
import { limits } from "../core/limits.ts";
import { compactIfWorthIt } from "./compact-journal.ts";
import type { EngineParts, EnginePorts } from "./engine-parts.ts";
import { foldRun } from "./fold-run.ts";
import { formatEntry, type Delivery, type Failure } from "./journal-entry.ts";
import { afterDeath, formatLearnedBudget, parseLearnedBudget, type LearnedBudget } from "./learned-budget.ts";
import { newSegmentId, withSegmentLog } from "./opened-segment.ts";
import type { Trigger } from "./queue.ts";
import { runSegment } from "./run-segment.ts";
import type { RunState } from "./run-state.ts";
import type { SegmentEnd } from "./segment-closing.ts";

export type TriggerOutcome =
  | { readonly kind: "ran"; readonly end: SegmentEnd }
  /** There is no such run. */
  | { readonly kind: "unknown" }
  /** The run is over, paused or parked, or has gone on without this trigger. */
  | { readonly kind: "stale" }
  /** Another segment has the lease; it may be dead, but is not known to be before `retryAfterMs`. */
  | { readonly kind: "held"; readonly retryAfterMs: number };

/**
 * @param o.failure ends the run, and undoes what it did: whoever carries it has given up.
 * @throws redis_unavailable (retry) and whatever the queue throws. 1 round trip and 2 or 3 billed commands until the lease is there; now and then a compaction, and
 * 1 round trip and 2 commands for a run that was over once.
 */
export async function openSegment<Services>(
  parts: EngineParts<Services>,
  trigger: Trigger,
  delivery: Delivery | undefined,
  o: { readonly failure?: Failure } = {},
): Promise<TriggerOutcome> {
  const { ref } = trigger;
  const segment = newSegmentId(parts.random);
  const engine = withSegmentLog(parts, ref, segment);
  const now = engine.clock.now();
  const spentBefore = { ...engine.meter };
  const record = {
    type: "opened",
    leaseMs: limits.leaseMs,
    ...(delivery === undefined ? {} : { delivery }),
    ...(trigger.after === undefined ? {} : { after: trigger.after }),
  } as const;
  const opening = formatEntry({ writer: segment, seq: 0, at: now, record });
  const { definition } = trigger;
  const isTold = !isQuiet(engine, definition);
  const { entries, volume, learned } = await engine.journal.open(ref, opening, { definition, isTold });
  engine.meter.parsedBytes += entries.reduce((sum, entry) => sum + entry.length, 0);
  const fold = foldRun(entries);
  const { state } = fold;
  if (state.started === undefined) return { kind: "unknown" };
  if (state.holder?.segment !== segment) return refusal(state, now);
  const current = await compactIfWorthIt(engine, { ref: { ...ref, volume }, fold, entries });
  // The sweep had let it go; a late word of its end may have taken back that the retry has put it in again.
  if (state.isRevived) await engine.dueRuns.register(current.ref, now + limits.leaseMs + limits.sweepSlackMs);
  return {
    kind: "ran",
    end: await runSegment(engine, {
      ...current,
      segment,
      unpublished: [],
      learned: await learnFromDeath(engine, trigger, state, parseLearnedBudget(learned)),
      startedAtMs: now,
      ...o,
      spentBefore,
    }),
  };
}

function isQuiet<Services>({ registry }: EngineParts<Services>, definition: string): boolean {
  const [name = "", version] = definition.split("@");
  return registry.get(name, Number(version))?.isQuiet === true;
}

function refusal(state: RunState, now: number): TriggerOutcome {
  if (state.holder === undefined) return { kind: "stale" };
  return { kind: "held", retryAfterMs: Math.max(0, state.holder.lastAt + state.holder.leaseMs - now) };
}

async function learnFromDeath(
  engine: EnginePorts,
  { definition }: Trigger,
  state: RunState,
  known: LearnedBudget | undefined,
): Promise<LearnedBudget | undefined> {
  if (state.diedAfterSteps === undefined) return known;
  const learned = afterDeath(state.diedAfterSteps);
  engine.log.warn("a segment was killed; the next ones do less", { definition, ...learned });
  await engine.budgets.store(definition, formatLearnedBudget(learned));
  return learned;
}
