import { limits } from "../core/limits.ts";
import type { EraseServices } from "../memory/erase-user.ts";
import type { Adapters } from "./adapters.ts";

/** What an erasure is given. What it stands on is loaded by the first one: most runs erase nobody. */
export function createEraseServices(adapters: Adapters): EraseServices {
  const eraser = async () => (await import("../upstash/eraser.ts")).upstashEraser(adapters.redis);
  const schedules = async () => (await import("./schedules.ts")).createSchedules(adapters);
  return {
    eraser: {
      eraseIndexed: async (userId) => (await eraser()).eraseIndexed(userId),
      eraseStretch: async (userId, from) => (await eraser()).eraseStretch(userId, from),
    },
    async schedulesOf(userId) {
      const kept = (await (await schedules())?.store.list(userId)) ?? [];
      return kept.slice(0, limits.schedulesPerUserMax).map(({ schedule }) => schedule.scheduleId);
    },
    forgetSchedule: async (userId, scheduleId) => (await schedules())?.timetable.forget({ userId, scheduleId }),
  };
}
