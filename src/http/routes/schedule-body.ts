/** The body that makes a schedule, checked as far as it can be checked today: what it starts exists, takes this input, and will be reached. */
import type { Context } from "hono";
import * as z from "zod/mini";
import { AppError } from "../../core/errors.ts";
import { clientIdPattern } from "../../core/ids.ts";
import { asJson } from "../../core/json.ts";
import { limits } from "../../core/limits.ts";
import { durationMs, type Duration } from "../../engine/duration.ts";
import { cronProblem } from "../../schedule/cron.ts";
import { mayStart, runOf, type Schedule, type ScheduleTarget, type When } from "../../schedule/schedule.ts";
import type { ToolRegistry } from "../../tool/registry.ts";
import type { AppEnv } from "../app-env.ts";
import { findAgent } from "../find-agent.ts";
import { InvalidBody } from "../invalid-body.ts";
import { identityOf, requireScope } from "../middleware/identity.ts";
import { invalidBody, readJson } from "../read-json.ts";
import { requireNeeds } from "../require-needs.ts";

const name = z.string().check(z.minLength(1), z.maxLength(64));
const clientId = z.string().check(z.regex(clientIdPattern));

export const ScheduleDraft = z.strictObject({
  when: z.strictObject({
    cron: z.optional(z.string().check(z.maxLength(limits.cronCharsMax))),
    timeZone: z.optional(z.string().check(z.minLength(1), z.maxLength(limits.timeZoneCharsMax))),
    delay: z.optional(z.string().check(z.maxLength(16))),
    at: z.optional(z.iso.datetime({ offset: true })),
  }),
  target: z.discriminatedUnion("kind", [
    z.strictObject({
      kind: z.literal("saga"),
      name,
      version: z.optional(z.int().check(z.gte(1))),
      input: z.optional(z.unknown()),
      conversationId: z.optional(clientId),
    }),
    z.strictObject({ kind: z.literal("tool"), name, parameters: z.optional(z.unknown()) }),
    z.strictObject({
      kind: z.literal("agent"),
      agentId: clientId,
      goal: z.string().check(z.minLength(1), z.maxLength(limits.messageTextCharsMax)),
      conversationId: z.optional(clientId),
    }),
  ]),
  overlap: z.optional(z.enum(["skip", "allow"])),
});

/** @throws bad_request, unknown_definition, not_found, insufficient_scope, rate_limited (all refuse) */
export async function readSchedule(c: Context<AppEnv>, scheduleId: string): Promise<Schedule> {
  const wire = c.get("wire");
  const { when, target, overlap = "skip" } = await readJson(c, ScheduleDraft);
  const now = wire.clock.now();
  const schedule = {
    scheduleId,
    when: readWhen(when, now),
    target: asJson(target)?.value as unknown as ScheduleTarget,
  };
  await checkTarget(c, schedule.target);
  return { ...schedule, overlap, createdAt: now, isPaused: false };
}

/** @throws bad_request (refuse) for what will never come, or not within a year. */
export function readWhen({ cron, timeZone, delay, at }: z.infer<typeof ScheduleDraft>["when"], nowMs: number): When {
  const given = [cron, delay, at].filter((value) => value !== undefined);
  if (given.length !== 1) throw wrong("/when", "must have exactly one of cron, delay and at");
  if (cron !== undefined) {
    const problem = cronProblem(cron, timeZone ?? "UTC", nowMs);
    if (problem !== undefined) throw wrong("/when/cron", problem);
    return { cron: cron.trim().split(/\s+/).join(" "), timeZone: timeZone ?? "UTC" };
  }
  if (timeZone !== undefined) throw wrong("/when/timeZone", "belongs to a cron");
  const atMs = delay === undefined ? Date.parse(at ?? "") : nowMs + readDelay(delay);
  if (atMs < nowMs) throw wrong("/when/at", "must be in the future");
  if (atMs > nowMs + limits.waitMsMax) throw wrong("/when", "must be within a year");
  return { at: atMs };
}

function readDelay(text: string): number {
  if (!/^\d{1,9}(?:ms|s|m|h|d)$/.test(text))
    throw wrong("/when/delay", "must be a duration such as 30s, 10m, 2h or 7d");
  return durationMs(text as Duration);
}

async function checkTarget(c: Context<AppEnv>, target: ScheduleTarget): Promise<void> {
  const wire = c.get("wire");
  if (target.kind === "saga") requireScope(identityOf(c), "runs");
  if (target.kind === "tool") checkTool((await wire.answering()).tools, target);
  const { engine, agents } = await wire.runs();
  const run = await runOf(target, identityOf(c).userId, findAgent(agents));
  if (run === undefined) throw new AppError("not_found", "There is no such agent.");
  const { definition: wanted, version, input } = run;
  const definition = engine.registry.get(wanted, version);
  if (definition === undefined || !mayStart(target, definition)) {
    throw new AppError("unknown_definition", `There is no run named "${wanted}" here.`);
  }
  await requireNeeds(c, definition);
  const parsed = z.safeParse(definition.input, input);
  if (!parsed.success) throw invalidBody(parsed.error.issues, target.kind === "saga" ? "/target/input" : "/target");
}

function checkTool(
  tools: ToolRegistry,
  { name: toolName, parameters = {} }: Extract<ScheduleTarget, { kind: "tool" }>,
): void {
  const tool = tools.get(toolName);
  if (tool === undefined) throw new AppError("unknown_definition", `There is no tool named "${toolName}" here.`);
  const read = tool.readInput(parameters);
  if (read.kind === "ok") return;
  throw new InvalidBody(
    read.problems.map(({ pointer, detail }) => ({ detail, pointer: `/target/parameters${pointer}` })),
  );
}

function wrong(pointer: string, detail: string): InvalidBody {
  return new InvalidBody([{ pointer, detail }]);
}
