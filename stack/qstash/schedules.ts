/**
 * Schedules and the timers that fire them, on the stack's clock.
 *
 * Invariants:
 * 1. A schedule that is not paused has exactly one timer, a paused or removed one has none.
 * 2. A run that is missed (paused, or the machine slept) is not made up for.
 * 3. A firing that is refused, because its URL group is gone, say, does not end the schedule.
 */
import type { StackClock } from "../clock.ts";
import { ApiError } from "./api-error.ts";
import type { NextRunMs } from "./cron.ts";
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

interface Entry {
  schedule: Schedule;
  next: NextRunMs;
  stopTimer: () => void;
}

export function createSchedules(o: { clock: StackClock; publish: Publish }): Schedules {
  const entries = new Map<string, Entry>();

  function entryOf(scheduleId: string): Entry {
    const entry = entries.get(scheduleId);
    if (entry === undefined) throw new ApiError(404, `schedule ${scheduleId} not found`);
    return entry;
  }

  function arm(entry: Entry): void {
    entry.stopTimer();
    entry.stopTimer = () => {};
    const nextMs = entry.schedule.isPaused ? undefined : entry.next(o.clock.now());
    entry.schedule.nextRunMs = nextMs;
    if (nextMs !== undefined) entry.stopTimer = o.clock.schedule(nextMs, () => fire(entry));
  }

  function fire(entry: Entry): void {
    const { schedule } = entry;
    schedule.lastRunMs = o.clock.now();
    try {
      const answers = [o.publish.any(schedule.request)].flat();
      schedule.lastMessageIds = answers.map(({ messageId }) => messageId);
    } catch (error) {
      if (!(error instanceof ApiError)) throw error;
      schedule.lastMessageIds = [];
    } finally {
      arm(entry);
    }
  }

  return {
    put({ scheduleId, cron, request }, next) {
      const earlier = entries.get(scheduleId);
      if (earlier === undefined && entries.size >= scheduleCountMax) {
        throw new ApiError(412, `quota maxSchedules exceeded. Limit: ${scheduleCountMax}`);
      }
      earlier?.stopTimer();
      const schedule: Schedule = {
        scheduleId,
        cron,
        createdAtMs: o.clock.now(),
        request: { ...request, scheduleId },
        isPaused: false,
        lastMessageIds: [],
        nextRunMs: undefined,
      };
      const entry = { schedule, next, stopTimer: () => {} };
      entries.set(scheduleId, entry);
      arm(entry);
    },
    find: (scheduleId) => entryOf(scheduleId).schedule,
    list: () => [...entries.values()].map(({ schedule }) => schedule),
    remove(scheduleId) {
      entryOf(scheduleId).stopTimer();
      entries.delete(scheduleId);
    },
    setPaused(scheduleId, isPaused) {
      const entry = entryOf(scheduleId);
      entry.schedule.isPaused = isPaused;
      arm(entry);
    },
    close() {
      for (const { stopTimer } of entries.values()) stopTimer();
      entries.clear();
    },
  };
}
