/**
 * A run as one file: what it takes to look at it, and to run its code again, elsewhere and offline.
 */
import type { Meter } from "../core/meter.ts";
import { createMeter } from "../core/meter.ts";
import { budgetProfiles, createSegmentBudget } from "./budget.ts";
import { createContext } from "./create-context.ts";
import { foldRun } from "./fold-run.ts";
import { createInterpreter } from "./interpret-run.ts";
import type { Failure } from "./journal-entry.ts";
import type { JournalWriter } from "./journal-writer.ts";
import { runEvents } from "./follow-run.ts";
import { inputNoLongerFits, notDeployed } from "./park-reasons.ts";
import type { RunEvent } from "./run-event.ts";
import type { RunRegistry } from "./run-definition.ts";
import { viewReceipt, viewRun, type RunReceipt, type RunView } from "./run-view.ts";

export interface RunFile {
  readonly format: "skipstone-run";
  readonly formatVersion: 1;
  /** Unix ms. */
  readonly exportedAt: number;
  readonly run: RunView | undefined;
  readonly journal: readonly string[];
  readonly events: readonly RunEvent[];
  readonly receipt: RunReceipt;
}

export function exportRun(runId: string, journal: readonly string[], nowMs: number): RunFile {
  const { state } = foldRun(journal);
  return {
    format: "skipstone-run",
    formatVersion: 1,
    exportedAt: nowMs,
    run: viewRun(runId, state),
    journal,
    events: runEvents(journal),
    receipt: viewReceipt(runId, state),
  };
}

export type ReplayOutcome =
  /** The code goes the way of the journal; `next` is the step that it would do next. */
  | { readonly kind: "same"; readonly next: string | undefined }
  | { readonly kind: "diverged"; readonly failure: Failure; readonly step?: string };

/**
 * Runs the code of this build over a journal, doing nothing new: would it go the same way? No step's body runs, and nothing is written.
 * @param services as the code expects them; it must not use them outside of steps.
 */
export async function replayRun<Services>(
  registry: RunRegistry<Services>,
  o: {
    readonly runId: string;
    readonly userId: string;
    readonly journal: readonly string[];
    readonly services: Services;
  },
): Promise<ReplayOutcome> {
  const { state } = foldRun(o.journal);
  const { started } = state;
  const definition = started && registry.get(started.definition, started.version);
  if (definition === undefined) return { kind: "diverged", failure: notDeployed(started) };
  const input = definition.input.safeParse(started?.input);
  if (!input.success) return { kind: "diverged", failure: inputNoLongerFits };
  const clock = { now: () => state.lastAt };
  const interpreter = createInterpreter({
    runId: o.runId,
    state,
    recorded: state.settled.slice(0, state.undoing?.forwardSteps),
    writer: nowhere,
    budget: budgetOf(createMeter(), clock),
    clock,
    // Only code that awaits something that is no step is waited for here, and in vain.
    pause: () => Promise.resolve(),
    chance: () => 0,
    isReplayOnly: true,
  });
  const { ctx } = createContext({
    interpreter,
    state,
    ref: { userId: o.userId, runId: o.runId },
    services: o.services,
    outreach: { call: neverReached, startChild: neverReached },
    writeEvent: () => {},
    writeMemory: () => {},
    now: clock.now,
  });
  const end = await interpreter.run(() => definition.run(ctx, input.data));
  if (end.kind !== "stuck") return { kind: "same", next: interpreter.nextStep() };
  return { kind: "diverged", failure: end.failure, ...(end.step === undefined ? {} : { step: end.step }) };
}

function budgetOf(meter: Meter, clock: { now(): number }) {
  return createSegmentBudget({
    profile: budgetProfiles.paid,
    stepsMax: Infinity,
    meter,
    clock,
    startedAtMs: clock.now(),
  });
}

function neverReached(): Promise<never> {
  return Promise.reject(new Error("a replay reaches out to nobody"));
}

const nowhere: JournalWriter = {
  add: () => 0,
  flush: () => Promise.resolve(),
  close: () => Promise.resolve(),
  pending: () => 0,
  flushedAt: () => 0,
};
