/** What a user does to a schedule. The record decides what a firing does; the queue is told after it, or before it where that is the safe side. */
import { AppError } from "../core/errors.ts";
import { limits } from "../core/limits.ts";
import type { Clock, Log } from "../core/ports.ts";
import { isOnce, type Schedule, type ScheduleRef } from "./schedule.ts";
import type { KeptSchedule, ScheduleStore } from "./schedule-store.ts";
import type { Timetable } from "./timetable.ts";

export interface SetScheduleParts {
  readonly store: ScheduleStore;
  readonly timetable: Timetable;
  readonly clock: Clock;
  readonly log: Log;
}

/**
 * Safe to repeat with the same id. If we die before the queue knows of it, the schedule is there and fires never: repeat it, or resume it.
 *
 * @throws too_many, and schedule_refused when the id belongs to another one (both refuse); queue_unavailable (retry), and then nothing is left
 * of a new one.
 */
export async function createSchedule(parts: SetScheduleParts, userId: string, wanted: Schedule): Promise<Schedule> {
  const created = await parts.store.create(userId, wanted);
  if (created === "full") {
    throw new AppError("too_many", `You may have ${limits.schedulesPerUserMax} schedules; remove one first.`);
  }
  const { kept, isNew } = created;
  if (!isSame(kept, wanted)) {
    throw new AppError("schedule_refused", "This Idempotency-Key was used for another schedule.");
  }
  const ref = { userId, scheduleId: kept.scheduleId };
  try {
    await arm(parts, ref, kept);
  } catch (error) {
    if (isNew) await parts.store.remove(ref);
    throw error;
  }
  return kept;
}

function arm({ timetable }: SetScheduleParts, ref: ScheduleRef, { when }: Schedule): Promise<void> {
  return isOnce(when) ? timetable.once(ref, when.at) : timetable.repeat(ref, when);
}

/** A delay that is asked for twice ends at two times, and is the same wish. */
function isSame(kept: Schedule, wanted: Schedule): boolean {
  const of = ({ when, target, overlap }: Schedule): string =>
    JSON.stringify([isOnce(when) ? "once" : when, target, overlap]);
  return of(kept) === of(wanted);
}

/** From here on no firing starts anything. False when there is no such schedule. @throws queue_unavailable (retry) */
export async function pauseSchedule(parts: SetScheduleParts, ref: ScheduleRef): Promise<boolean> {
  const kept = await parts.store.find(ref);
  if (kept === undefined) return false;
  const { schedule } = kept;
  if (!(await parts.store.replace(ref.userId, { ...schedule, isPaused: true }))) return false;
  if (!isOnce(schedule.when)) await parts.timetable.pause(ref);
  return true;
}

/**
 * Firings count again; also mends a schedule that the queue does not know. False when there is no such schedule.
 * @throws schedule_refused (refuse) when its one time has passed; queue_unavailable (retry)
 */
export async function resumeSchedule(parts: SetScheduleParts, ref: ScheduleRef): Promise<boolean> {
  const kept = await parts.store.find(ref);
  if (kept === undefined) return false;
  const { schedule } = kept;
  if (isMissed(kept, parts.clock.now())) {
    throw new AppError("schedule_refused", "Its time has passed; make a new schedule.");
  }
  await arm(parts, ref, schedule);
  if (!isOnce(schedule.when)) await parts.timetable.resume(ref);
  return parts.store.replace(ref.userId, { ...schedule, isPaused: false });
}

/** Whether its one time has passed, and nothing will come of it any more. */
export function isMissed({ schedule, firings }: KeptSchedule, nowMs: number): boolean {
  return isOnce(schedule.when) && (firings.length > 0 || (schedule.isPaused && schedule.when.at <= nowMs));
}

/** A firing that is on its way finds nothing. False when there is no such schedule. */
export async function removeSchedule(parts: SetScheduleParts, ref: ScheduleRef): Promise<boolean> {
  const isRemoved = await parts.store.remove(ref);
  if (isRemoved) await forgetQuietly(parts, ref);
  return isRemoved;
}

/** What the queue still has of it comes to nothing, and forgets it then. */
export async function forgetQuietly({ timetable, log }: SetScheduleParts, ref: ScheduleRef): Promise<void> {
  await timetable.forget(ref).catch((cause: unknown) => log.warn("the queue still has a schedule", { cause }));
}
