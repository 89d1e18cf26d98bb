import type { Context } from "hono";
import type { AppEnv } from "../app-env.ts";
import type { ScheduleRef } from "../../schedule/schedule.ts";
import { fireSchedule } from "../../schedule/fire-schedule.ts";
import { findAgent } from "../find-agent.ts";

/** A firing has arrived, and its signature holds. */
export async function fireOne(c: Context<AppEnv>, ref: ScheduleRef, messageId: string): Promise<Response> {
  const wire = c.get("wire");
  const parts = await wire.schedules();
  if (parts === undefined) return c.json({ outcome: "gone" });
  const { engine, agents } = await wire.runs();
  const { kind } = await fireSchedule({ ...parts, engine, findAgent: findAgent(agents) }, ref, messageId);
  return c.json({ outcome: kind });
}
