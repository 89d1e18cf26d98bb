import type { ScheduleRef } from "./schedule.ts";

/** A repeating schedule as the queue has it. Times are unix ms. */
export interface TimetableEntry {
  readonly isPaused: boolean;
  readonly nextAt: number | undefined;
  readonly lastAt: number | undefined;
}

/** Has the queue bring firings to us. Each method is safe to repeat. @throws queue_unavailable (retry) */
export interface Timetable {
  /**
   * At each time of the cron from now on, in the place of what the schedule was before.
   * @throws schedule_refused (refuse) when the queue does not take it.
   */
  repeat(ref: ScheduleRef, when: { readonly cron: string; readonly timeZone: string }): Promise<void>;
  /** Once, not before `atMs`; a time that is too far away for the queue arrives earlier. */
  once(ref: ScheduleRef, atMs: number): Promise<void>;
  pause(ref: ScheduleRef): Promise<void>;
  resume(ref: ScheduleRef): Promise<void>;
  /** Nothing more comes, as far as it is not on its way. Also when there was nothing. */
  forget(ref: ScheduleRef): Promise<void>;
  /** `undefined` when the queue does not have it. */
  look(ref: ScheduleRef): Promise<TimetableEntry | undefined>;
}
