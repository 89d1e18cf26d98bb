/** Dinners over the real app, and what the restaurants did for them. */
import type { RunView } from "../../src/engine/run-view.ts";
import type { RunningStack } from "../../stack/start-stack.ts";

export const hourMs = 60 * 60 * 1_000;

/** Three hours from now: the guest has half an hour to confirm and is reminded in an hour. */
export function dinnerRequest(nowMs: number, more: object = {}): Record<string, unknown> {
  return { city: "Rome", partySize: 2, at: new Date(nowMs + 3 * hourMs).toISOString(), guest: "Ada", ...more };
}

/** What the restaurants did under the keys of one run, in order: `reserved by reserve-table`. */
export function effectsOf(stack: RunningStack, runId: string): string[] {
  const { effects } = stack.restaurant.read();
  return effects
    .filter(({ key }) => key.startsWith(`${runId}/`))
    .map(({ kind, key }) => `${kind} by ${key.slice(runId.length + 1)}`);
}

/** How often each step of the run asked for its effect. */
export function arrivalsOf(stack: RunningStack, runId: string): Record<string, number> {
  const mine = stack.restaurant.read().keys.filter(({ key }) => key.startsWith(`${runId}/`));
  return Object.fromEntries(mine.map(({ key, arrivals }) => [key.slice(runId.length + 1), arrivals]));
}

export function isOver({ status }: RunView): boolean {
  return status === "completed" || status === "failed" || status === "cancelled";
}
