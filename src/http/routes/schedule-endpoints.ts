/** The caller's schedules. */
import type { Context } from "hono";
import { AppError } from "../../core/errors.ts";
import { derivedScheduleId, isScheduleId, newScheduleId } from "../../core/ids.ts";
import { isOnce, type ScheduleRef } from "../../schedule/schedule.ts";
import type { KeptSchedule } from "../../schedule/schedule-store.ts";
import {
  createSchedule,
  isMissed,
  pauseSchedule,
  removeSchedule,
  resumeSchedule,
  type SetScheduleParts,
} from "../../schedule/set-schedule.ts";
import type { TimetableEntry } from "../../schedule/timetable.ts";
import type { AppEnv } from "../app-env.ts";
import { readIdempotencyKey } from "../idempotency-key.ts";
import { identityOf } from "../middleware/identity.ts";
import { readSchedule } from "./schedule-body.ts";

/** Our own list, each entry with what the queue says of it. */
export async function listSchedules(c: Context<AppEnv>): Promise<Response> {
  const parts = await partsOf(c);
  const { userId } = identityOf(c);
  const kept = await parts.store.list(userId);
  return c.json({ schedules: await Promise.all(kept.map((one) => view(c, parts, one))) });
}

/** 201 with the schedule. With `Idempotency-Key` the request may be repeated: it makes one schedule. */
export async function postSchedule(c: Context<AppEnv>): Promise<Response> {
  const parts = await partsOf(c);
  const { userId } = identityOf(c);
  const key = readIdempotencyKey(c);
  const id =
    key === undefined
      ? newScheduleId((await c.get("wire").runs()).engine.random)
      : await derivedScheduleId(`${userId} ${key}`);
  const schedule = await createSchedule(parts, userId, await readSchedule(c, id));
  c.header("Location", `/api/schedules/${schedule.scheduleId}`);
  return c.json(await view(c, parts, { schedule, firings: [], mark: "" }), 201);
}

export async function getSchedule(c: Context<AppEnv>): Promise<Response> {
  const parts = await partsOf(c);
  const kept = await parts.store.find(refOf(c));
  if (kept === undefined) throw notFound();
  return c.json(await view(c, parts, kept));
}

export async function deleteSchedule(c: Context<AppEnv>): Promise<Response> {
  if (!(await removeSchedule(await partsOf(c), refOf(c)))) throw notFound();
  return c.body(null, 204);
}

export async function postPause(c: Context<AppEnv>): Promise<Response> {
  if (!(await pauseSchedule(await partsOf(c), refOf(c)))) throw notFound();
  return getSchedule(c);
}

export async function postResume(c: Context<AppEnv>): Promise<Response> {
  if (!(await resumeSchedule(await partsOf(c), refOf(c)))) throw notFound();
  return getSchedule(c);
}

/** @throws no_queue (refuse) where nobody could fire. */
async function partsOf(c: Context<AppEnv>): Promise<SetScheduleParts> {
  const parts = await c.get("wire").schedules();
  if (parts !== undefined) return parts;
  throw new AppError("no_queue", "Schedules need QStash, which is not configured here.");
}

function refOf(c: Context<AppEnv>): ScheduleRef {
  const scheduleId = c.req.param("scheduleId");
  if (!isScheduleId(scheduleId)) throw notFound();
  return { userId: identityOf(c).userId, scheduleId };
}

async function view(c: Context<AppEnv>, { timetable, clock }: SetScheduleParts, kept: KeptSchedule) {
  const { isPaused: _isPaused, ...schedule } = kept.schedule;
  const { when, scheduleId } = schedule;
  const entry = isOnce(when) ? undefined : await timetable.look({ userId: identityOf(c).userId, scheduleId });
  const state = stateOf(kept, entry, clock.now());
  const nextAt = isOnce(when) ? when.at : entry?.nextAt;
  const firings = kept.firings.map(({ id: _id, ...firing }) => firing).toReversed();
  return { ...schedule, state, ...(state === "active" && nextAt !== undefined ? { nextAt } : {}), firings };
}

/** `unarmed`: the queue does not know of it; a resume mends that. */
function stateOf(
  kept: KeptSchedule,
  entry: TimetableEntry | undefined,
  nowMs: number,
): "active" | "paused" | "missed" | "unarmed" {
  if (isMissed(kept, nowMs)) return "missed";
  if (kept.schedule.isPaused) return "paused";
  return isOnce(kept.schedule.when) || entry?.isPaused === false ? "active" : "unarmed";
}

function notFound(): AppError {
  return new AppError("not_found", "There is no such schedule.");
}
