/**
 * A schedule fires: starts its run, once.
 *
 * S1 A firing is decided once. Delivered again it comes to the same: a run that was started is there under the same id, one that was skipped stays skipped.
 * S2 What was decided is written before it is done. Whoever dies in between is delivered again, and does it then.
 */
import * as z from "zod/mini";
import { derivedRunId } from "../core/ids.ts";
import { limits } from "../core/limits.ts";
import { AppError } from "../core/errors.ts";
import type { EngineParts } from "../engine/engine-parts.ts";
import { foldRun } from "../engine/fold-run.ts";
import { isOver } from "../engine/run-state.ts";
import { startInline } from "../engine/start-inline.ts";
import { isOnce, mayStart, runOf, type FindAgent, type Firing, type Schedule, type ScheduleRef } from "./schedule.ts";
import type { KeptSchedule } from "./schedule-store.ts";
import { forgetQuietly, type SetScheduleParts } from "./set-schedule.ts";

export interface FireScheduleParts<Services> extends SetScheduleParts {
  readonly engine: EngineParts<Services>;
  readonly findAgent: FindAgent;
}

export type FiringOutcome =
  | { readonly kind: Firing["outcome"]; readonly runId?: string }
  /** It came before its time, which is too far away for the queue; it is sent again. */
  | { readonly kind: "early" }
  /** There is no such schedule, any more. */
  | { readonly kind: "gone" };

/**
 * @param messageId of the queue's message: another one for each firing, the same for each of its deliveries.
 * @throws redis_unavailable, queue_unavailable (retry)
 */
export async function fireSchedule<Services>(
  parts: FireScheduleParts<Services>,
  ref: ScheduleRef,
  messageId: string,
): Promise<FiringOutcome> {
  for (let attempt = 0; attempt < limits.firingNotesMax; attempt += 1) {
    const kept = await parts.store.find(ref);
    if (kept === undefined) return vanish(parts, ref);
    const { schedule, firings, mark } = kept;
    const id = isOnce(schedule.when) ? "once" : messageId;
    const known = firings.find((firing) => firing.id === id);
    if (known !== undefined) return carryOut(parts, ref, schedule, known);
    if (isOnce(schedule.when) && schedule.when.at > parts.clock.now() + limits.firingEarlyMsMax) {
      await parts.timetable.once(ref, schedule.when.at);
      return { kind: "early" };
    }
    const decided = await decide(parts, ref, kept, id);
    const noted = await parts.store.note(ref, mark, shortened([...firings, decided]));
    if (noted === "gone") return vanish(parts, ref);
    if (noted === "noted") return carryOut(parts, ref, schedule, decided);
  }
  throw new AppError("redis_unavailable", "a schedule kept moving while it fired");
}

async function decide<Services>(
  parts: FireScheduleParts<Services>,
  ref: ScheduleRef,
  { schedule, firings }: KeptSchedule,
  id: string,
): Promise<Firing> {
  const firing = { id, at: parts.clock.now() };
  if (schedule.isPaused) return { ...firing, outcome: "paused" };
  const request = await requestOf(parts, ref.userId, schedule);
  if (request.kind === "refused") return { ...firing, outcome: "refused", reason: request.reason };
  const last = firings.findLast(({ outcome }) => outcome === "started")?.runId;
  if (schedule.overlap === "skip" && last !== undefined && (await isGoing(parts, ref.userId, last))) {
    return { ...firing, outcome: "skipped", runId: last };
  }
  return { ...firing, outcome: "started", runId: await derivedRunId(`schedule ${ref.scheduleId} ${id}`) };
}

/** The last run that was started stays known, however many firings were skipped since. */
function shortened(firings: readonly Firing[]): readonly Firing[] {
  const started = firings.findLastIndex(({ outcome }) => outcome === "started");
  const from = firings.length - limits.firingsKept;
  return firings.filter((_firing, index) => index >= from || index === started);
}

/** A parked run waits for a person, who may never come. One whose journal has expired is over. */
async function isGoing<Services>(
  { engine }: FireScheduleParts<Services>,
  userId: string,
  runId: string,
): Promise<boolean> {
  const { state } = foldRun(await engine.journal.read({ userId, runId }, 0));
  return state.started !== undefined && !isOver(state.status) && state.status !== "parked";
}

async function carryOut<Services>(
  parts: FireScheduleParts<Services>,
  ref: ScheduleRef,
  schedule: Schedule,
  { outcome, runId }: Firing,
): Promise<FiringOutcome> {
  if (outcome !== "started" || runId === undefined) return { kind: outcome, ...(runId === undefined ? {} : { runId }) };
  const request = await requestOf(parts, ref.userId, schedule);
  if (request.kind === "refused") return { kind: "refused" };
  const { definition, input, conversationId } = request;
  const of = conversationId === undefined ? {} : { conversationId };
  const run = { userId: ref.userId, runId };
  const { segment } = await startInline(parts.engine, { ref: run, definition, input, ...of });
  if (isOnce(schedule.when)) await parts.store.remove(ref);
  // What breaks off goes on by the queue or the sweep.
  await segment?.catch((cause: unknown) => parts.log.warn("a first segment broke off", { runId, cause }));
  return { kind: "started", runId };
}

/** What it starts may be gone or changed since the schedule was made. */
async function requestOf<Services>(
  { engine, findAgent }: FireScheduleParts<Services>,
  userId: string,
  { target }: Schedule,
) {
  const run = await runOf(target, userId, findAgent);
  if (run === undefined) return { kind: "refused", reason: "There is no such agent any more." } as const;
  const { definition: name, version, input: given, conversationId } = run;
  const definition = engine.registry.get(name, version);
  if (definition === undefined || !mayStart(target, definition))
    return { kind: "refused", reason: `There is no run named "${name}" here.` } as const;
  const input = z.safeParse(definition.input, given);
  if (!input.success) return { kind: "refused", reason: "Its input does not fit the run any more." } as const;
  return { kind: "ready", definition, input: input.data, conversationId } as const;
}

/** Whatever the queue still has for a schedule that is gone goes too. */
async function vanish(parts: SetScheduleParts, ref: ScheduleRef): Promise<FiringOutcome> {
  await forgetQuietly(parts, ref);
  return { kind: "gone" };
}
