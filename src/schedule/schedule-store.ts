import type { Firing, Schedule, ScheduleRef } from "./schedule.ts";

export interface KeptSchedule {
  readonly schedule: Schedule;
  /** The newest last, at most `limits.firingsKept`. */
  readonly firings: readonly Firing[];
  /** Says what `firings` were when they were read. */
  readonly mark: string;
}

/** Where schedules live. Each method is one atomic change or read. */
export interface ScheduleStore {
  /**
   * Safe to repeat: an id that is there already keeps its schedule. `full` when it would be one too many (`limits.schedulesPerUserMax`).
   * 1 round trip, at most 4 billed commands.
   */
  create(userId: string, schedule: Schedule): Promise<{ readonly kept: Schedule; readonly isNew: boolean } | "full">;
  /** 1 round trip, 2 billed commands. */
  find(ref: ScheduleRef): Promise<KeptSchedule | undefined>;
  /** The oldest first. 1 round trip, 2 billed commands. */
  list(userId: string): Promise<KeptSchedule[]>;
  /** False when it is not there; nothing is made then. 1 round trip, at most 3 billed commands. */
  replace(userId: string, schedule: Schedule): Promise<boolean>;
  /**
   * Notes what came of a firing. `moved` when something else was noted since `mark`: read again and decide anew. `gone` when the schedule is not there any more.
   * 1 round trip, at most 4 billed commands.
   */
  note(ref: ScheduleRef, mark: string, firings: readonly Firing[]): Promise<"noted" | "moved" | "gone">;
  /** False when it is not there. 1 round trip, 2 billed commands. */
  remove(ref: ScheduleRef): Promise<boolean>;
}
