/**
 * Finds runs that should have gone on and did not: their segment died, or the message that was to bring the next one is lost.
 *
 * Every run that is not over is in the registry with a time at which it is to be looked at. What is found in order is put off; the rest is triggered.
 *
 * P1 All that are due are put off before any of them is looked at: a run that kills whoever reads it does not keep the sweep from the others.
 * P2 A run leaves the registry only if its journal is the one that says that it is over: a retry that comes meanwhile is not undone.
 *    Nor is a run that is parked set aside when somebody has acted on it meanwhile.
 * P3 No run is put off for longer than `sweepSilenceMsMax`, but for those that are parked: they wait for a person, see `parked-runs.ts`.
 * P4 What one run needs holds up no other: triggers go out together, and each is taken or refused by itself. What has to be sent is sent when a later read fails; of
 *    four rounds that are killed on their way, one has sent for the runs that it had read.
 */
import { isOutage, type AppError } from "../core/errors.ts";
import { limits } from "../core/limits.ts";
import type { EnginePorts } from "./engine-parts.ts";
import { tellParent } from "./finish-run.ts";
import { foldRun } from "./fold-run.ts";
import type { RunRef } from "./journal.ts";
import { parkedPlace } from "./parked-runs.ts";
import { triggerOf, type Trigger } from "./queue.ts";
import { hasNews, isOver, isRunOut, type RunState } from "./run-state.ts";

export interface SweepReport {
  /** Runs that were looked at. */
  readonly seen: number;
  /** Those that the queue brings on, and parents of runs that are over among them. */
  readonly triggered: number;
  readonly forgotten: number;
}

/** Messages that wait before they are sent. */
const triggersAtOnce = 25;

/**
 * One round. Safe to run twice at once: a run that is triggered twice goes on once.
 * 1 command when nothing is due; else 2, then for each `sweepJournalsAtOnce` of the runs that are due 2 or 3 round trips, 1 command for each run and 1 more, 4 for
 * each run that is over, and 1 message for each that is triggered, `triggersAtOnce` or a few more in a request.
 *
 * @throws queue_unavailable (retry), misconfigured (park) at its end, when the queue could not be reached. One that is refused by itself is logged.
 * @param due the runs that are due, at most `sweepRunsMax`, where they were read already: 1 command and round trip less.
 */
export async function sweep(engine: EnginePorts, due?: readonly RunRef[]): Promise<SweepReport> {
  const now = engine.clock.now();
  const refs = due ?? (await engine.dueRuns.overdue(now, limits.sweepRunsMax));
  if (refs.length === 0) return { seen: 0, triggered: 0, forgotten: 0 };
  await engine.dueRuns.postpone(refs.map((ref) => ({ ref, dueAtMs: now + limits.sweepAgainMs })));
  const report = { seen: refs.length, triggered: 0, forgotten: 0 };
  const triggers: Trigger[] = [];
  let outage: AppError | undefined;
  const send = async (): Promise<void> => {
    const { taken, lost } = await triggerAll(engine, triggers.splice(0));
    report.triggered += taken;
    outage ??= lost;
  };
  try {
    for (let at = 0; at < refs.length; at += limits.sweepJournalsAtOnce) {
      const seen = await lookAt(engine, refs.slice(at, at + limits.sweepJournalsAtOnce), now);
      triggers.push(...(await settle(engine, seen)));
      report.forgotten += seen.filter(({ kind }) => kind === "over").length;
      if (triggers.length >= triggersAtOnce || isCautious(now)) await send();
    }
  } finally {
    await send();
  }
  if (outage !== undefined) throw outage;
  return report;
}

/** Whether this round sends after each of its reads. */
function isCautious(now: number): boolean {
  return Math.floor(now / limits.sweepAgainMs) % 4 === 0;
}

/** @returns how many the queue has taken, and why it could take no more; a later round finds the others again. */
async function triggerAll(
  { queue, log }: EnginePorts,
  triggers: readonly Trigger[],
): Promise<{ readonly taken: number; readonly lost?: AppError | undefined }> {
  if (triggers.length === 0) return { taken: 0 };
  const failures = await queue.triggerNextSteps(triggers);
  const left = triggers.filter((_trigger, index) => failures[index] !== undefined);
  if (left.length > 0) {
    const cause = failures.find((failure) => failure !== undefined);
    log.error("the queue does not bring runs on", { runIds: left.map(({ ref }) => ref.runId), cause });
  }
  const lost = failures.find((failure) => failure !== undefined && isOutage(failure));
  return { taken: triggers.length - left.length, lost };
}

type SeenRun = { readonly ref: RunRef; readonly state: RunState } & Judgement;

async function lookAt(engine: EnginePorts, refs: readonly RunRef[], now: number): Promise<SeenRun[]> {
  const journals = await engine.journal.readMany(refs);
  return refs.map((ref, index) => {
    const journal = journals[index];
    const { state } = foldRun(journal ?? []);
    const judgement = journal === undefined ? unreadable(engine, ref, now) : judge(state, now);
    return { ref: { ...ref, volume: state.volume }, state, ...judgement };
  });
}

/** @returns what has to be sent. A parent that was told is due again soon, should nothing come of that. */
async function settle(engine: EnginePorts, seen: readonly SeenRun[]): Promise<Trigger[]> {
  const going = seen.flatMap((run) => (run.kind === "in-order" ? [{ ref: run.ref, dueAtMs: run.dueAtMs }] : []));
  if (going.length > 0) await engine.dueRuns.postpone(going);
  const parked = seen.flatMap(({ ref, state, ...judged }) =>
    judged.kind === "parked" ? [{ ref, length: state.length, dueAtMs: parkedPlace(state.lastAt) }] : [],
  );
  if (parked.length > 0) await engine.dueRuns.setAsideUnchanged(parked);
  const triggers: Trigger[] = [];
  for (const { kind, ref, state } of seen) {
    const parent = kind === "over" ? await tellParent(engine, ref, state) : undefined;
    if (parent !== undefined) triggers.push(parent);
    if (kind !== "stranded") continue;
    engine.log.warn("a run was found stranded and goes on", { runId: ref.runId });
    triggers.push(triggerOf(ref, state));
  }
  const over = seen.filter(({ kind }) => kind === "over");
  if (over.length > 0) {
    await engine.dueRuns.retireUnchanged(over.map(({ ref, state }) => ({ ref, length: state.length })));
  }
  return triggers;
}

type Judgement =
  | { readonly kind: "over" }
  /** It should have gone on. */
  | { readonly kind: "stranded" }
  /** It waits for a person. */
  | { readonly kind: "parked" }
  | { readonly kind: "in-order"; readonly dueAtMs: number };

/** It is there, and will go on once it can be read again: its key may have been taken out of the configuration. */
function unreadable(engine: EnginePorts, { runId }: RunRef, now: number): Judgement {
  engine.log.error("a run cannot be read and is left alone", { runId });
  return { kind: "in-order", dueAtMs: now + limits.sweepUnreadableMs };
}

function judge(state: RunState, now: number): Judgement {
  const latestMs = now + limits.sweepSilenceMsMax;
  if (state.started === undefined || isOver(state.status)) return { kind: "over" };
  if (state.status === "parked") return { kind: "parked" };
  if (state.status === "paused") return { kind: "in-order", dueAtMs: latestMs };
  if (state.holder !== undefined) {
    const dueAtMs = state.holder.lastAt + state.holder.leaseMs + limits.sweepSlackMs;
    return isRunOut(state.holder, now) ? { kind: "stranded" } : { kind: "in-order", dueAtMs };
  }
  const isWaiting = state.status === "waiting" || state.wakesAtMs !== undefined;
  const lateAtMs = (state.wakesAtMs ?? latestMs) + limits.sweepSlackMs;
  if (!isWaiting || hasNews(state) || lateAtMs <= now) return { kind: "stranded" };
  return { kind: "in-order", dueAtMs: Math.min(lateAtMs, latestMs) };
}
