import { Cron } from "croner";
import { limits } from "../../src/core/limits.ts";
import type { Clock } from "../../src/core/ports.ts";
import type { ScheduleRef } from "../../src/schedule/schedule.ts";
import type { Timetable } from "../../src/schedule/timetable.ts";

interface Repeating {
  readonly ref: ScheduleRef;
  readonly next: (afterMs: number) => number | undefined;
  isPaused: boolean;
}

export interface MemoryTimetable extends Timetable {
  /** Messages that wait for their time. */
  readonly waiting: { readonly ref: ScheduleRef; readonly atMs: number }[];
}

/** The queue's side of schedules in memory; held to the same cases as the real adapter by `test/contract/timetable.test.ts`. It delivers nothing by itself. */
export function memoryTimetable(clock: Clock): MemoryTimetable {
  const repeating = new Map<string, Repeating>();
  const waiting: MemoryTimetable["waiting"] = [];
  return {
    waiting,
    async repeat(ref, { cron, timeZone }) {
      const pattern = new Cron(cron, { timezone: timeZone, mode: "5-part" });
      const next = (afterMs: number): number | undefined => pattern.nextRun(new Date(afterMs))?.getTime();
      repeating.set(ref.scheduleId, { ref, next, isPaused: false });
    },
    async once(ref, atMs) {
      const dueMs = Math.ceil(Math.min(atMs, clock.now() + limits.queueDelayMsMax) / 1000) * 1000;
      const isKnown = waiting.some((one) => one.ref.scheduleId === ref.scheduleId && one.atMs === dueMs);
      if (!isKnown) waiting.push({ ref, atMs: dueMs });
    },
    async pause({ scheduleId }) {
      const found = repeating.get(scheduleId);
      if (found !== undefined) found.isPaused = true;
    },
    async resume({ scheduleId }) {
      const found = repeating.get(scheduleId);
      if (found !== undefined) found.isPaused = false;
    },
    async forget({ scheduleId }) {
      repeating.delete(scheduleId);
      for (const one of waiting.filter(({ ref }) => ref.scheduleId === scheduleId))
        waiting.splice(waiting.indexOf(one), 1);
    },
    async look({ scheduleId }) {
      const found = repeating.get(scheduleId);
      if (found === undefined) return undefined;
      const nextAt = found.isPaused ? undefined : found.next(clock.now());
      return { isPaused: found.isPaused, nextAt, lastAt: undefined };
    },
  };
}
