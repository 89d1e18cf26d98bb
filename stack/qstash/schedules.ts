/**
 * Schedules and the timers that fire them, on the stack's clock.
 *
 * Invariants:
 * 1. A schedule that is not paused has exactly one timer, a paused or removed one has none.
 * 2. A run that is missed (paused, the machine slept, or the stack did not run) is not made up for.
 * 3. A firing that is refused, because its URL group is gone, say, does not end the schedule.
 */
import type { StackClock } from "../clock.ts";
import type { Collection } from "../storage/collection.ts";
import { ApiError } from "./api-error.ts";
import { parseCron, type NextRunMs } from "./cron.ts";
import { scheduleCountMax } from "./limits.ts";
import type { Publish, PublishRequest } from "./publish.ts";

/** Times are unix ms. */
export interface Schedule {
  scheduleId: string;
  cron: string;
  createdAtMs: number;
  /** What is published at each run; its delay begins then. */
  request: PublishRequest;
  isPaused: boolean;
  lastRunMs?: number;
  /** The messages of the last run. */
  lastMessageIds: readonly string[];
  /** Absent while it is paused, and after the last run that the cron allows. */
  nextRunMs: number | undefined;
}

export interface Schedules {
  /** Puts the schedule in the place of the one with its id. @throws ApiError 412 when there are too many. */
  put(schedule: { scheduleId: string; cron: string; request: PublishRequest }, nextRunMs: NextRunMs): void;
  /** @throws ApiError 404 */
  find(scheduleId: string): Schedule;
  list(): Schedule[];
  /** @throws ApiError 404 */
  remove(scheduleId: string): void;
  /** Idempotent. @throws ApiError 404 */
  setPaused(scheduleId: string, isPaused: boolean): void;
  /** Drops all timers. */
  close(): void;
}

interface Timer {
  next: NextRunMs;
  stop: () => void;
}

export function createSchedules(o: {
  clock: StackClock;
  schedules: Collection<Schedule>;
  publish: Publish;
}): Schedules {
  const timers = new Map<string, Timer>();
  for (const schedule of o.schedules.values()) {
    timers.set(schedule.scheduleId, { next: parseCron(schedule.cron, o.clock.now()), stop: () => {} });
    arm(schedule);
  }

  function find(scheduleId: string): Schedule {
    const schedule = o.schedules.get(scheduleId);
    if (schedule === undefined) throw new ApiError(404, `schedule ${scheduleId} not found`);
    return schedule;
  }

  /** Sets the next run, and keeps what else was changed. */
  function arm(schedule: Schedule): void {
    const timer = timers.get(schedule.scheduleId);
    timer?.stop();
    schedule.nextRunMs = schedule.isPaused ? undefined : timer?.next(o.clock.now());
    o.schedules.put(schedule.scheduleId, schedule);
    if (timer === undefined || schedule.nextRunMs === undefined) return;
    timer.stop = o.clock.schedule(schedule.nextRunMs, () => fire(schedule));
  }

  function fire(schedule: Schedule): void {
    schedule.lastRunMs = o.clock.now();
    try {
      const answers = [o.publish.any(schedule.request)].flat();
      schedule.lastMessageIds = answers.map(({ messageId }) => messageId);
    } catch (error) {
      if (!(error instanceof ApiError)) throw error;
      schedule.lastMessageIds = [];
    } finally {
      arm(schedule);
    }
  }

  return {
    put({ scheduleId, cron, request }, next) {
      if (o.schedules.get(scheduleId) === undefined && o.schedules.size() >= scheduleCountMax) {
        throw new ApiError(412, `quota maxSchedules exceeded. Limit: ${scheduleCountMax}`);
      }
      timers.get(scheduleId)?.stop();
      timers.set(scheduleId, { next, stop: () => {} });
      arm({
        scheduleId,
        cron,
        createdAtMs: o.clock.now(),
        request: { ...request, scheduleId },
        isPaused: false,
        lastMessageIds: [],
        nextRunMs: undefined,
      });
    },
    find,
    list: o.schedules.values,
    remove(scheduleId) {
      find(scheduleId);
      timers.get(scheduleId)?.stop();
      timers.delete(scheduleId);
      o.schedules.remove(scheduleId);
    },
    setPaused(scheduleId, isPaused) {
      const schedule = find(scheduleId);
      schedule.isPaused = isPaused;
      arm(schedule);
    },
    close() {
      for (const { stop } of timers.values()) stop();
      timers.clear();
    },
  };
}
