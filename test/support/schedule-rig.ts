/** Schedules over an engine, a store and a timetable in memory. */
import * as z from "zod/mini";
import { defineRun, type AnyRunDefinition } from "../../src/engine/run-definition.ts";
import { fireSchedule } from "../../src/schedule/fire-schedule.ts";
import type { FindAgent, Schedule } from "../../src/schedule/schedule.ts";
import { createSchedule } from "../../src/schedule/set-schedule.ts";
import { silentLog } from "../fakes/clock.ts";
import { memoryScheduleStore } from "../fakes/memory-schedule-store.ts";
import { memoryTimetable } from "../fakes/memory-timetable.ts";
import { createEngineRig } from "./engine-rig.ts";

export const userId = "usr_1";
export const dayMs = 86_400_000;

/** Definitions: `quick` does one step, `slow` waits for the signal `go`, `broken` is parked, `hidden` is internal. */
export function createScheduleRig(over: Partial<Schedule> = {}) {
  const ran: unknown[] = [];
  const quick = defineRun({
    name: "quick",
    version: 1,
    input: z.object({ n: z.number() }),
    async run(ctx, { n }) {
      await ctx.step("work", () => void ran.push(n));
      return n;
    },
  }) as AnyRunDefinition<unknown>;
  const slow = defineRun({
    name: "slow",
    version: 1,
    input: z.object({}),
    async run(ctx) {
      await ctx.step("work", () => void ran.push("slow"));
      await ctx.waitForSignal("go", { timeout: "30d" });
    },
  }) as AnyRunDefinition<unknown>;
  const broken = defineRun({
    name: "broken",
    version: 1,
    input: z.object({}),
    run: () => Promise.reject(new TypeError("a defect")),
  }) as AnyRunDefinition<unknown>;
  const hidden = { ...broken, name: "hidden", isInternal: true };
  const rig = createEngineRig([quick, slow, broken, hidden]);
  const { clock } = rig;
  const store = memoryScheduleStore();
  const timetable = memoryTimetable(clock);
  const findAgent: FindAgent = async (_user, agentId) => (agentId === "mine" ? { id: agentId } : undefined);
  const parts = { store, timetable, clock, log: silentLog, engine: rig.parts(), findAgent };
  const schedule: Schedule = {
    scheduleId: "scd_1",
    when: { cron: "0 9 * * *", timeZone: "UTC" },
    target: { kind: "saga", name: "quick", input: { n: 7 } },
    overlap: "skip",
    createdAt: clock.now(),
    isPaused: false,
    ...over,
  };
  const ref = { userId, scheduleId: schedule.scheduleId };
  const create = () => createSchedule(parts, userId, schedule);
  const fire = (messageId: string, given = parts) => fireSchedule(given, ref, messageId);
  const runs = () => rig.journal.runs().length;
  const statusOf = (runId: string) => rig.state({ userId, runId }).status;
  return { rig, clock, store, timetable, parts, schedule, ref, create, fire, ran, runs, statusOf };
}
