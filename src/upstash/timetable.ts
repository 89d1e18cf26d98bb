/**
 * Firings as QStash schedules and delayed messages. Both bring the schedule's id alone: what it starts stands in the record, and a firing whose record is gone starts
 * nothing. Messages carry the id as their label, so that they can be called back.
 */
import { AppError } from "../core/errors.ts";
import { limits } from "../core/limits.ts";
import type { Clock } from "../core/ports.ts";
import type { ScheduleRef } from "../schedule/schedule.ts";
import type { Timetable } from "../schedule/timetable.ts";
import { officialClient, qstashClient, refused, statusOf, type QstashOptions } from "./qstash.ts";
import { enginePaths } from "./queue.ts";

export interface UpstashTimetableOptions extends QstashOptions {
  /** Without a slash at the end. */
  readonly appUrl: string;
  readonly clock: Clock;
}

export function upstashTimetable(options: UpstashTimetableOptions): Timetable {
  const { schedules, messages } = officialClient(options);
  const queue = qstashClient(options);
  const { clock, meter } = options;
  const url = `${options.appUrl}${enginePaths.fireSchedule}`;
  const headers = { "content-type": "application/json" };

  /** @returns `undefined` when QStash has nothing of that name. */
  async function ask<T>(call: () => Promise<T>): Promise<T | undefined> {
    meter.subrequests += 1;
    try {
      return await call();
    } catch (cause) {
      if (statusOf(cause) === 404) return undefined;
      throw refused(cause);
    }
  }

  return {
    async repeat(ref, { cron, timeZone }) {
      meter.subrequests += 1;
      try {
        await schedules.create({
          scheduleId: ref.scheduleId,
          destination: url,
          cron: `CRON_TZ=${timeZone} ${cron}`,
          body: bodyOf(ref),
          headers,
          label: [ref.scheduleId, ref.userId],
          retries: limits.firingRetries,
        });
      } catch (cause) {
        const status = statusOf(cause);
        // 400: a cron that it reads otherwise than we do. 412: the account has as many schedules as its plan allows.
        if (status === 400) throw new AppError("schedule_refused", "The queue does not take this cron.", { cause });
        if (status === 412) throw new AppError("schedule_refused", "The queue takes no more schedules.", { cause });
        throw refused(cause);
      }
    },

    async once(ref, atMs) {
      const atSeconds = Math.ceil(Math.min(atMs, clock.now() + limits.queueDelayMsMax) / 1000);
      await queue.publish({
        url,
        body: bodyOf(ref),
        headers,
        notBefore: atSeconds,
        retries: limits.firingRetries,
        label: [ref.scheduleId, ref.userId],
        deduplicationId: `${ref.scheduleId}-${atSeconds}`,
      });
    },

    async pause({ scheduleId }) {
      await ask(() => schedules.pause({ schedule: scheduleId }));
    },
    async resume({ scheduleId }) {
      await ask(() => schedules.resume({ schedule: scheduleId }));
    },

    async forget({ scheduleId }) {
      await ask(() => schedules.delete(scheduleId));
      await ask(() => messages.cancel({ filter: { label: scheduleId } }));
    },

    async look({ scheduleId }) {
      const found = await ask(() => schedules.get(scheduleId));
      if (found === undefined) return undefined;
      return { isPaused: found.isPaused, nextAt: found.nextScheduleTime, lastAt: found.lastScheduleTime };
    },
  };
}

function bodyOf({ userId, scheduleId }: ScheduleRef): string {
  return JSON.stringify({ userId, scheduleId });
}
