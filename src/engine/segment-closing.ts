/**
 * The ways in which a segment gives its lease back, and what each sees to.
 *
 * S1 The lease is given back first, and what follows is done only if that counts: a segment that had lost its lease changes nothing.
 * S2 The sweep knows the run until it is over and its parent was told: wherever we die, somebody finishes what comes after the lease.
 * S3 What comes while the lease is given back is seen to: R7 of `fold-run.ts` keeps a run from ending behind it, and another segment is sent for.
 */
import { limits } from "../core/limits.ts";
import type { Meter } from "../core/meter.ts";
import { checked } from "./attempt-step.ts";
import type { SegmentBudget } from "./budget.ts";
import type { EnginePorts } from "./engine-parts.ts";
import { formatEntry, outside } from "./journal-entry.ts";
import type { Failure, SegmentRecord, Spending, StopReason } from "./journal-entry.ts";
import type { JournalWriter } from "./journal-writer.ts";
import { afterFullSegment, formatLearnedBudget } from "./learned-budget.ts";
import { noteCommands, type ConversationNote } from "./journal.ts";
import type { OpenedSegment } from "./opened-segment.ts";
import { finishRun } from "./finish-run.ts";
import { unfitOutput } from "./park-reasons.ts";
import { parkedPlace } from "./parked-runs.ts";
import type { Trigger } from "./queue.ts";
import type { AnyRunDefinition, RunEnd } from "./run-definition.ts";
import { isCancelWanted, isHeldBack, isOver, startedKey } from "./run-state.ts";

export type SegmentEnd =
  | "completed"
  | "failed"
  | "cancelled"
  | "parked"
  | "paused"
  | "waiting"
  | "yielded"
  /** Somebody else has the run now. */
  | "superseded";

/** Why a run did not complete. */
export interface EndCause {
  readonly status: "failed" | "cancelled";
  readonly failure: Failure;
  /** The step whose failure it was. */
  readonly step?: string;
}

export interface SegmentClosing {
  /** The code has returned `value`. The run is over with it, unless it was stopped meanwhile; so with a failure. */
  complete(value: unknown): Promise<SegmentEnd>;
  endInFailure(cause: EndCause): Promise<SegmentEnd>;
  suspend(untilMs: number | undefined): Promise<SegmentEnd>;
  yieldFor(reason: StopReason): Promise<SegmentEnd>;
  pause(): Promise<SegmentEnd>;
  /** Only a person can help. @param error what was thrown, for the log. */
  park(failure: Failure, step?: string, error?: unknown): Promise<SegmentEnd>;
  /** Somebody wrote into the journal; what comes while the lease is given back has to be looked at by another segment. */
  hearNews(): void;
  /** The lease is being given back, or was. */
  hasBegun(): boolean;
}

/** What comes after the lease is given back; it has to be in the record that gives it back. */
interface Following {
  readonly commands: number;
  readonly roundTrips: number;
  readonly messages: number;
}

const nothing: Following = { commands: 0, roundTrips: 0, messages: 0 };

export interface SegmentClosingParts {
  readonly engine: EnginePorts;
  readonly opened: OpenedSegment;
  readonly writer: JournalWriter;
  readonly budget: SegmentBudget;
  readonly definition: AnyRunDefinition<never> | undefined;
}

export function createSegmentClosing({
  engine,
  opened,
  writer,
  budget,
  definition: code,
}: SegmentClosingParts): SegmentClosing {
  const { ref, fold } = opened;
  const { queue, clock, meter } = engine;
  const definition = startedKey(fold.state.started);
  const isPublishing = code?.isQuiet !== true;
  let isClosing = false;
  let hasNews = false;

  /** So far, with the flush that gives the lease back and what follows it. */
  function spent(following: Following): Spending {
    const before = opened.spentBefore;
    const roundTrips = following.roundTrips + 1;
    return {
      commands: meter.commands - before.commands + following.commands + (isPublishing ? 2 : 1),
      roundTrips: meter.roundTrips - before.roundTrips + roundTrips,
      messages: meter.messages - before.messages + (queue.isBilled ? following.messages : 0),
      subrequests: meter.subrequests - before.subrequests + roundTrips + following.messages,
      wallMs: clock.now() - opened.startedAtMs,
      ...modelSpent(before, meter),
    };
  }

  /** @param noted commands that go with the flush itself. */
  function finishing(noted: number): Following {
    const { started, volume } = fold.state;
    const commands = noted + (volume > 0 ? 3 : 2);
    return started?.parent === undefined
      ? { commands, roundTrips: 1, messages: 0 }
      : { commands: commands + 3, roundTrips: 3, messages: 1 };
  }

  /** @throws LeaseLost when the record does not count. */
  async function close(record: SegmentRecord, note?: ConversationNote): Promise<void> {
    isClosing = true;
    await writer.close(record, note);
  }

  async function end(outcome: RunEnd["outcome"], step?: string): Promise<SegmentEnd> {
    let note = noteOf(outcome);
    // A segment that has lost its lease must not leave messages that its successor would not leave: what they tell of is confirmed first.
    if (note !== undefined) await writer.flush();
    if (isHeldBack(fold.state, outcome.status)) note = undefined;
    const spending = spent(finishing(note === undefined ? 0 : noteCommands));
    const record: SegmentRecord =
      outcome.status === "completed"
        ? { type: "completed", ...(outcome.output === undefined ? {} : { output: outcome.output }), spent: spending }
        : { type: "ended", ...outcome, ...(step === undefined ? {} : { step }), spent: spending };
    await close(record, note);
    if (!isOver(fold.state.status)) return handOver();
    await finishRun(engine, ref, fold.state);
    return outcome.status;
  }

  /** S3. A pause holds what it was asked for; anything else is for the next segment. */
  async function handOver(): Promise<SegmentEnd> {
    if (fold.state.status === "paused") return "paused";
    await queue.triggerNextStep({ ref, definition });
    return "yielded";
  }

  function noteOf(outcome: RunEnd["outcome"]): ConversationNote | undefined {
    const { started, startedAt } = fold.state;
    if (started?.conversationId === undefined || code?.inConversation === undefined) return undefined;
    const input = code.input.safeParse(started.input);
    if (!input.success) return undefined;
    const times = { startedAtMs: startedAt, endedAtMs: clock.now() };
    const note = code.inConversation.closing({ ref, input: input.data, ...times, outcome });
    return { conversationId: started.conversationId, ...note };
  }

  function putOff(dueAtMs: number): Promise<void> {
    return engine.dueRuns.postpone([{ ref, dueAtMs }]);
  }

  /** Not where somebody has acted meanwhile: the run would be taken for one that waits for a person. */
  function setAside(): Promise<void> {
    const { length } = fold.state;
    return engine.dueRuns.setAsideUnchanged([{ ref, length, dueAtMs: parkedPlace(clock.now()) }]);
  }

  /** Short waits are told as such: our clock may not be the queue's. */
  function wakeAt(trigger: Trigger, atMs: number): Promise<void> {
    const waitMs = atMs - clock.now();
    if (waitMs > limits.queueExactMs) return queue.scheduleStepAt(trigger, atMs);
    return queue.scheduleStep(trigger, Math.max(0, waitMs));
  }

  /** A cancellation came too late for the segment to act upon, and just before it parked the run: whoever sent it was told that it was accepted. */
  async function goOn(): Promise<void> {
    const entry = formatEntry({ writer: outside, seq: 0, at: clock.now(), record: { type: "resume" } });
    await engine.journal.act(ref, { entry, dueAtMs: clock.now() + limits.sweepSlackMs });
    await queue.triggerNextStep({ ref, definition });
  }

  /** Only a segment that used up what was learned says something about it. */
  function learnFrom(reason: StopReason): string | undefined {
    const { learned } = opened;
    if (reason !== "steps" || learned === undefined || budget.steps() < learned.stepsMax) return undefined;
    return formatLearnedBudget(afterFullSegment(learned));
  }

  const self: SegmentClosing = {
    async complete(value) {
      const output = checked(value);
      if (output.kind === "failed") return self.park(unfitOutput(output.failure));
      return end({ status: "completed", output: output.value });
    },
    endInFailure: ({ status, failure, step }) => end({ status, failure }, step),
    async suspend(untilMs) {
      const until = untilMs === undefined ? {} : { untilMs };
      const lateAtMs = (untilMs ?? Infinity) + limits.sweepSlackMs;
      const messages = untilMs === undefined ? 0 : 1;
      await close({ type: "suspended", ...until, spent: spent({ commands: 1, roundTrips: 1, messages }) });
      await putOff(Math.min(lateAtMs, clock.now() + limits.sweepSilenceMsMax));
      const trigger = { ref, definition, after: fold.state.segments };
      if (hasNews) await queue.triggerNextStep({ ref, definition });
      else if (untilMs !== undefined) await wakeAt(trigger, untilMs);
      return "waiting";
    },
    async yieldFor(reason) {
      const learned = learnFrom(reason);
      const stores = learned === undefined ? 0 : 1;
      await close({ type: "yielded", reason, spent: spent({ commands: stores, roundTrips: stores, messages: 1 }) });
      if (learned !== undefined) await engine.budgets.store(definition, learned);
      await queue.triggerNextStep({ ref, definition, after: fold.state.segments });
      return "yielded";
    },
    async pause() {
      await close({ type: "yielded", reason: "paused", spent: spent(nothing) });
      return handOver();
    },
    async park(failure, step, error) {
      // What is thrown that is no error may hold anything, and says nothing of where.
      engine.log.error("a run is parked", { definition, step, failure, ...(error instanceof Error ? { error } : {}) });
      const of = step === undefined ? {} : { step };
      await close({ type: "parked", failure, ...of, spent: spent({ commands: 3, roundTrips: 1, messages: 0 }) });
      if (hasNews && isCancelWanted(fold.state)) await goOn();
      else await setAside();
      return "parked";
    },
    hearNews() {
      hasNews ||= isClosing;
    },
    hasBegun: () => isClosing,
  };
  return self;
}

function modelSpent(before: Meter, now: Meter): Pick<Spending, "inputTokens" | "outputTokens" | "modelUsd"> {
  if (now.inputTokens + now.outputTokens === before.inputTokens + before.outputTokens) return {};
  return {
    inputTokens: now.inputTokens - before.inputTokens,
    outputTokens: now.outputTokens - before.outputTokens,
    modelUsd: now.modelUsd - before.modelUsd,
  };
}
