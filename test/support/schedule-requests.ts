/** What tests of schedules over the whole app have in common: definitions that say who ran, and requests. */
import { expect } from "vitest";
import * as z from "zod/mini";
import { defineRun, type AnyRunDefinition } from "../../src/engine/run-definition.ts";
import type { RunContext } from "../../src/engine/run-context.ts";
import type { RunServices } from "../../src/wire/runs.ts";
import type { TestCaller } from "./test-app.ts";

export const dayMs = 86_400_000;
export const minuteMs = 60_000;

/** Who ran, in order; schedules of other tests may be among them. */
const ran: string[] = [];
export const ranOf = (text: string): number => ran.filter((one) => one === text).length;

const note = defineRun({
  name: "note",
  version: 1,
  input: z.object({ text: z.string().check(z.maxLength(40)) }),
  async run(ctx: RunContext<RunServices>, { text }) {
    await ctx.step("note", () => void ran.push(text));
  },
});
const linger = defineRun({
  name: "linger",
  version: 1,
  input: z.object({ text: z.string() }),
  async run(ctx: RunContext<RunServices>, { text }) {
    await ctx.step("note", () => void ran.push(text));
    await ctx.waitForSignal("go", { timeout: "30d" });
  },
});

export interface View {
  readonly scheduleId: string;
  readonly state: string;
  readonly nextAt?: number;
  readonly when: { readonly at?: number; readonly cron?: string };
  readonly firings: readonly { readonly outcome: string; readonly runId?: string; readonly at: number }[];
}

export const dailyNote = (text: string) => ({
  when: { cron: "0 9 * * *", timeZone: "Europe/Berlin" },
  target: { kind: "saga", name: "note", input: { text } },
});

export const scheduleDefinitions: readonly AnyRunDefinition<RunServices>[] = [note, linger];

export async function make(who: TestCaller, body: unknown, init: RequestInit = {}): Promise<View> {
  const response = await who.post("/api/schedules", body, init);
  expect(response.status, await response.clone().text()).toBe(201);
  return (await response.json()) as View;
}

export async function look(who: TestCaller, { scheduleId }: View): Promise<View> {
  return (await (await who.fetch(`/api/schedules/${scheduleId}`)).json()) as View;
}

export async function listOf(who: TestCaller): Promise<readonly View[]> {
  return ((await (await who.fetch("/api/schedules")).json()) as { schedules: View[] }).schedules;
}

export async function act(who: TestCaller, { scheduleId }: View, what: "pause" | "resume"): Promise<Response> {
  return who.post(`/api/schedules/${scheduleId}/${what}`, {});
}

export async function remove(who: TestCaller, { scheduleId }: View): Promise<number> {
  return (await who.fetch(`/api/schedules/${scheduleId}`, { method: "DELETE" })).status;
}

export async function runsOf(who: TestCaller): Promise<{ runId: string; status: string; definition: string }[]> {
  const response = await who.fetch("/api/runs");
  return ((await response.json()) as { runs: { runId: string; status: string; definition: string }[] }).runs;
}
