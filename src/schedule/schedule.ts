/**
 * A schedule: when, and what is started then. It belongs to a user, and what it starts is a run of that user.
 *
 * Rules for the odd cases:
 * - A firing that is missed (the schedule was paused, or the queue could not reach us for all its attempts) is not made up for.
 * - A firing that comes while the run of an earlier one still goes is skipped, unless the schedule allows them to overlap. A run that is parked does not go.
 * - A schedule for one time is gone once it has fired; if it was missed or refused, it stays until it is removed.
 */
import * as z from "zod/mini";
import type { JsonValue } from "../core/json.ts";
import { parseJson } from "../core/json.ts";

export const Cron = z.object({ cron: z.string(), timeZone: z.string() });
/** Unix ms. */
export const Once = z.object({ at: z.number() });

/** A run of this app by its definition, an agent's, or one call of a tool. */
export const Target = z.discriminatedUnion("kind", [
  z.object({
    kind: z.literal("saga"),
    name: z.string(),
    version: z.optional(z.number()),
    input: z.optional(z.unknown()),
    conversationId: z.optional(z.string()),
  }),
  z.object({ kind: z.literal("tool"), name: z.string(), parameters: z.optional(z.unknown()) }),
  z.object({
    kind: z.literal("agent"),
    agentId: z.string(),
    goal: z.string(),
    conversationId: z.optional(z.string()),
  }),
]);

const StoredSchedule = z.object({
  scheduleId: z.string(),
  when: z.union([Cron, Once]),
  target: Target,
  overlap: z.enum(["skip", "allow"]),
  createdAt: z.number(),
  isPaused: z.boolean(),
});

export const StoredFirings = z.array(
  z.object({
    id: z.string(),
    at: z.number(),
    outcome: z.enum(["started", "skipped", "paused", "refused"]),
    runId: z.optional(z.string()),
    reason: z.optional(z.string()),
  }),
);

export type When = z.infer<typeof Cron> | z.infer<typeof Once>;
export type ScheduleTarget = z.infer<typeof Target>;
export type Schedule = z.infer<typeof StoredSchedule>;
/** What came of one firing; `id` names it, so that it is decided once however often it is delivered. */
export type Firing = z.infer<typeof StoredFirings>[number];

/** Ids are validated before they come here. */
export interface ScheduleRef {
  readonly userId: string;
  readonly scheduleId: string;
}

export function isOnce(when: When): when is z.infer<typeof Once> {
  return "at" in when;
}

/** `undefined` for what this version does not understand. */
export function parseSchedule(text: string): Schedule | undefined {
  const parsed = StoredSchedule.safeParse(parseJson(text));
  return parsed.success ? parsed.data : undefined;
}

/** The newest last; what cannot be read counts as none. */
export function parseFirings(text: string | undefined): Firing[] {
  const parsed = StoredFirings.safeParse(parseJson(text ?? "[]"));
  return parsed.success ? parsed.data : [];
}

export interface TargetRun {
  readonly definition: string;
  readonly version: number | undefined;
  readonly input: JsonValue;
  readonly conversationId: string | undefined;
}

/** An agent as it is now, in the form in which a run takes it; `undefined` when it is not there. */
export type FindAgent = (userId: string, agentId: string) => Promise<JsonValue | undefined>;

/** The definition that a target runs, and the input that it gets; `undefined` for an agent that is not there. */
export async function runOf(
  target: ScheduleTarget,
  userId: string,
  findAgent: FindAgent,
): Promise<TargetRun | undefined> {
  switch (target.kind) {
    case "saga": {
      const { name, version, input = {}, conversationId } = target;
      return { definition: name, version, input: input as JsonValue, conversationId };
    }
    case "tool": {
      const { name, parameters = {} } = target;
      const input = { name, parameters: parameters as JsonValue };
      return { definition: toolRunName, version: undefined, input, conversationId: undefined };
    }
    case "agent": {
      const { agentId, goal, conversationId } = target;
      const agent = await findAgent(userId, agentId);
      if (agent === undefined) return undefined;
      return { definition: agentRunName, version: undefined, input: { agent, goal }, conversationId };
    }
  }
}

/** Whether a user's schedule may start it: by its name alone only what anybody may start so. */
export function mayStart({ kind }: ScheduleTarget, { isInternal }: { readonly isInternal?: boolean }): boolean {
  return kind !== "saga" || isInternal !== true;
}

/** Names of the definitions that run one tool, and an agent. */
export const toolRunName = "run-tool";
const agentRunName = "agent-run";
