import { limits } from "../../src/core/limits.ts";
import { parseFirings, type Firing, type Schedule, type ScheduleRef } from "../../src/schedule/schedule.ts";
import type { KeptSchedule, ScheduleStore } from "../../src/schedule/schedule-store.ts";

/** Schedules in memory; held to the same cases as the real adapter by `test/contract/schedule-store.test.ts`. */
export function memoryScheduleStore(): ScheduleStore {
  const users = new Map<string, Map<string, Schedule>>();
  const firings = new Map<string, string>();
  const keyOf = ({ userId, scheduleId }: ScheduleRef): string => `${userId}/${scheduleId}`;
  function schedulesOf(userId: string): Map<string, Schedule> {
    const schedules = users.get(userId) ?? new Map<string, Schedule>();
    users.set(userId, schedules);
    return schedules;
  }
  function kept(userId: string, schedule: Schedule): KeptSchedule {
    const mark = firings.get(keyOf({ userId, scheduleId: schedule.scheduleId })) ?? "";
    return { schedule, firings: parseFirings(mark === "" ? undefined : mark), mark };
  }
  return {
    async create(userId, schedule) {
      const schedules = schedulesOf(userId);
      const known = schedules.get(schedule.scheduleId);
      if (known !== undefined) return { kept: known, isNew: false };
      if (schedules.size >= limits.schedulesPerUserMax) return "full";
      schedules.set(schedule.scheduleId, schedule);
      return { kept: schedule, isNew: true };
    },
    async find({ userId, scheduleId }) {
      const schedule = schedulesOf(userId).get(scheduleId);
      return schedule && kept(userId, schedule);
    },
    async list(userId) {
      const byAge = (a: Schedule, b: Schedule): number =>
        a.createdAt - b.createdAt || (a.scheduleId < b.scheduleId ? -1 : 1);
      return [...schedulesOf(userId).values()].toSorted(byAge).map((schedule) => kept(userId, schedule));
    },
    async replace(userId, schedule) {
      const schedules = schedulesOf(userId);
      if (!schedules.has(schedule.scheduleId)) return false;
      schedules.set(schedule.scheduleId, schedule);
      return true;
    },
    async note(ref, mark, noted: readonly Firing[]) {
      if (!schedulesOf(ref.userId).has(ref.scheduleId)) return "gone";
      if ((firings.get(keyOf(ref)) ?? "") !== mark) return "moved";
      firings.set(keyOf(ref), JSON.stringify(noted));
      return "noted";
    },
    async remove(ref) {
      firings.delete(keyOf(ref));
      return schedulesOf(ref.userId).delete(ref.scheduleId);
    },
  };
}
