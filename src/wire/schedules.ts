/** What schedules need. A chunk of its own: most requests have nothing to do with them. */
import type { SetScheduleParts } from "../schedule/set-schedule.ts";
import { upstashScheduleStore } from "../upstash/schedule-store.ts";
import { upstashTimetable } from "../upstash/timetable.ts";
import type { Adapters } from "./adapters.ts";

/** `undefined` where there is no queue that could fire. */
export function createSchedules(adapters: Adapters): SetScheduleParts | undefined {
  const { config, meter, clock, redis, log } = adapters;
  if (config.queue !== "qstash" || config.qstash === undefined) return undefined;
  const timetable = upstashTimetable({ ...config.qstash, meter, clock, appUrl: config.appUrl });
  return { store: upstashScheduleStore(redis), timetable, clock, log };
}
