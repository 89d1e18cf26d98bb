import { Cron } from "croner";
import { ApiError } from "./api-error.ts";

/** The first run after `afterMs` (unix ms), undefined when there is none. */
export type NextRunMs = (afterMs: number) => number | undefined;

/**
 * Reads five cron fields (or `@daily` and the like), in UTC unless `CRON_TZ=Area/City` goes before them.
 * @throws ApiError 400 for what is no cron, an unknown time zone, and a cron that never runs.
 */
export function parseCron(text: string, nowMs: number): NextRunMs {
  const [, timezone = "UTC", pattern = ""] = /^(?:CRON_TZ=(\S+)\s+)?(.*)$/s.exec(text.trim()) ?? [];
  try {
    // Without a function Croner only calculates: it makes no timer of its own, so time stays the stack's.
    const cron = new Cron(pattern, { timezone, mode: "5-part" });
    const nextRunMs: NextRunMs = (afterMs) => cron.nextRun(new Date(afterMs))?.getTime();
    if (nextRunMs(nowMs) === undefined) throw new Error("it never runs");
    return nextRunMs;
  } catch (error) {
    throw new ApiError(400, `invalid cron ${JSON.stringify(text)}: ${error instanceof Error ? error.message : ""}`);
  }
}
