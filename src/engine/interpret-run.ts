/**
 * Runs the code of a run over its journal: what is recorded is handed out again, what is new is done, until the code ends or the segment has to.
 *
 * I1 A step's body runs only after everything that was decided before it is durable.
 * I2 After the segment's end was decided no body begins but those that the budget had admitted; the end comes when they have ended.
 * I3 Nothing that happens here is the run's outcome but what its code returns or throws: a lost lease or a storage that fails ends the
 *    segment by throwing.
 */
import type { JsonValue } from "../core/json.ts";
import { limits } from "../core/limits.ts";
import type { Clock } from "../core/ports.ts";
import { attemptStep } from "./attempt-step.ts";
import type { SegmentBudget } from "./budget.ts";
import type { CodeEnd } from "./code-end.ts";
import { createDeadlines } from "./deadlines.ts";
import { refusalOf } from "./failures.ts";
import { createFlushSoon } from "./flush-soon.ts";
import type { Failure } from "./journal-entry.ts";
import type { JournalWriter } from "./journal-writer.ts";
import { createLazyAbort, type LazyAbort } from "./lazy-abort.ts";
import { divergence, stalled } from "./park-reasons.ts";
import type { RunState, SettledStep } from "./run-state.ts";
import { createStepOrder } from "./step-order.ts";
import type { Outcome } from "./step-order.ts";
import type { StepRequest, WaitRequest } from "./step-request.ts";
import { createWaits, type ActiveWait } from "./waits.ts";

interface Settling {
  readonly isUndoable?: true;
  readonly signalId?: string;
  readonly closes?: string;
  readonly emitted?: number;
}

export interface InterpreterParts {
  readonly runId: string;
  /** As the journal tells it; flushed entries are applied to it. */
  readonly state: RunState;
  /** The outcomes to hand out before anything new begins. */
  readonly recorded: readonly SettledStep[];
  readonly writer: JournalWriter;
  readonly budget: SegmentBudget;
  readonly clock: Clock;
  /** Waits; rejects when the signal aborts. */
  readonly pause: (ms: number, signal: AbortSignal) => Promise<void>;
  readonly chance: () => number;
  /** Begins nothing: the code only goes as far as the journal does. */
  readonly isReplayOnly?: boolean;
}

export interface Interpreter {
  /** Runs `code` until it ends or the segment has to. @throws LeaseLost, and whatever the storage throws. */
  run(code: () => Promise<unknown>): Promise<CodeEnd>;
  step(step: string, request: StepRequest): Promise<Outcome>;
  wait(step: string, request: WaitRequest): Promise<Outcome>;
  /** An outcome that needs no work. */
  decide(
    step: string,
    outcome: Outcome,
    more?: { readonly closes: string; readonly emitted: number },
  ): Promise<Outcome>;
  /** Ends the segment and parks the run. */
  getStuck(failure: Failure, step?: string): void;
  /** The lease is lost: nothing that is under way is of use any more. */
  breakOff(error: unknown): void;
  /** The journal has news from outside: signals or orders. */
  hearNews(): void;
  /** A step that the code asks for and that has not begun. */
  nextStep(): string | undefined;
  lastAt(): number;
}

export function createInterpreter(parts: InterpreterParts): Interpreter {
  const { state, writer, budget, clock } = parts;
  const ending = Promise.withResolvers<CodeEnd>();
  const stopping = new AbortController();
  const underWay = new Map<string, LazyAbort>();
  const held: (() => void)[] = [];
  const deadlines = createDeadlines({ clock, pause: parts.pause, signal: stopping.signal });
  const waits = createWaits({ state, clock });
  const flushSoon = createFlushSoon({ ...parts, signal: stopping.signal, onError: breakOff });
  let wanted: CodeEnd | undefined;

  const order = createStepOrder({
    recorded: parts.recorded,
    startedAt: state.startedAt,
    isBusy: () => underWay.size > 0,
    onDivergence: (recorded, asked) => endWith({ kind: "stuck", ...divergence(recorded, asked) }),
    onQuiet,
  });

  function endWith(end: CodeEnd): void {
    wanted ??= end;
    order.stop();
    held.length = 0;
    endIfIdle();
  }

  function endIfIdle(): void {
    if (wanted === undefined || underWay.size > 0) return;
    stopping.abort();
    ending.resolve(wanted);
  }

  /** Nothing of this segment counts any more, or can be kept. */
  function breakOff(error: unknown): void {
    order.stop();
    stopping.abort();
    for (const abort of underWay.values()) abort.abort(error);
    ending.reject(error);
  }

  function settle(step: string, outcome: Outcome, more: Settling = {}): void {
    underWay.delete(step);
    const others = order.outstanding() - 1;
    const beside = others > 0 ? { beside: others } : {};
    const at =
      outcome.kind === "failed"
        ? writer.add({ type: "failed", step, failure: outcome.failure, ...beside })
        : writer.add({ type: "done", step, ...valueOf(outcome.value), ...beside, ...more });
    order.settle(step, outcome, at);
    flushSoon();
    goOn();
  }

  /** A place is free, or the last one that was waited for is gone. */
  function goOn(): void {
    held.shift()?.();
    endIfIdle();
    order.poke();
  }

  function isInterrupted(): boolean {
    return state.isPauseWanted || (state.cancellation !== undefined && state.undoing === undefined);
  }

  function beginStep(step: string, request: StepRequest): void {
    if (underWay.size >= limits.stepsAtOnceMax) return void held.push(() => beginStep(step, request));
    const reason = wanted === undefined ? budget.admit() : undefined;
    if (reason !== undefined) endWith({ kind: "out-of-budget", reason });
    if (wanted === undefined) start(step, (abort) => work(step, request, abort));
  }

  function start(step: string, begin: (abort: LazyAbort) => Promise<void>): void {
    const abort = createLazyAbort();
    underWay.set(step, abort);
    begin(abort).catch(breakOff);
  }

  async function work(step: string, request: StepRequest, abort: LazyAbort): Promise<void> {
    await writer.flush();
    // What the budget has admitted is done, whoever came after it: else a segment could end without having done anything.
    if (wanted !== undefined && wanted.kind !== "out-of-budget") {
      underWay.delete(step);
      return goOn();
    }
    const attempt = (state.attempts.get(step)?.count ?? 0) + 1;
    const { body, options, isUndoable } = request;
    const idempotencyKey = `${parts.runId}/${step}`;
    const outcome = await attemptStep(
      { deadlines, chance: parts.chance },
      { idempotencyKey, attempt, options, abort, body },
    );
    if (outcome.kind === "done") return settle(step, outcome, isUndoable === true ? { isUndoable } : {});
    if (outcome.kind === "failed") return settle(step, outcome);
    const nextAtMs = clock.now() + outcome.delayMs;
    writer.add({ type: "attempted", step, attempt, failure: outcome.failure, nextAtMs });
    await writer.flush();
    waitFor({ step, untilMs: nextAtMs, signal: undefined, onTime: () => beginStep(step, request) });
  }

  async function beginWait(step: string, request: WaitRequest): Promise<void> {
    const known = state.waits.get(step);
    const untilMs = known === undefined ? request.untilMs : known.untilMs;
    const { signal } = request;
    if (known === undefined) {
      if (request.begin !== undefined) {
        await writer.flush();
        const failure = await refusalOf(request.begin);
        if (failure !== undefined) return settle(step, { kind: "failed", failure });
      }
      writer.add({
        type: "waiting",
        step,
        ...(untilMs === undefined ? {} : { untilMs }),
        ...(signal === undefined ? {} : { signal }),
      });
      flushSoon();
    }
    waitFor({
      step,
      untilMs,
      signal,
      onTime: () => settle(step, { kind: "done", value: request.atTime }),
      onSignal: ({ id, payload }) =>
        settle(step, { kind: "done", value: { kind: "received", payload: payload ?? null } }, { signalId: id }),
    });
  }

  /** From here on the step is not under way but waits; short waits have a timer of their own. */
  function waitFor(wait: ActiveWait): void {
    underWay.delete(wait.step);
    waits.add(wait);
    if (isShort(wait.untilMs)) wakeAt(wait.untilMs);
    goOn();
  }

  function wakeAt(atMs: number): void {
    parts.pause(Math.max(0, atMs - clock.now()), stopping.signal).then(wake, () => undefined);
  }

  function isShort(atMs: number | undefined): atMs is number {
    if (atMs === undefined) return false;
    const waitMs = atMs - clock.now();
    return waitMs <= limits.inlineWaitMsMax && budget.hasTimeFor(waitMs);
  }

  function wake(): void {
    if (wanted !== undefined) return;
    while (waits.settleOne());
  }

  /** The code waits and no step is under way: what has come is handed out; else time decides. */
  function onQuiet(): void {
    if (wanted !== undefined) return endIfIdle();
    if (parts.isReplayOnly === true || isInterrupted()) return endWith({ kind: "interrupted" });
    if (waits.settleOne()) return wake();
    if (waits.isEmpty()) return watchStall();
    const untilMs = waits.nextAtMs();
    if (isShort(untilMs)) wakeAt(untilMs);
    else endWith({ kind: "waiting", untilMs });
  }

  /** Code that awaits something that is no step may never come back. */
  function watchStall(): void {
    const handedOut = order.handedOut();
    parts.pause(limits.codeStallMs, stopping.signal).then(
      () => {
        if (underWay.size > 0 || !waits.isEmpty() || order.handedOut() !== handedOut) return;
        endWith({ kind: "stuck", failure: stalled });
      },
      () => undefined,
    );
  }

  async function runCode(code: () => Promise<unknown>): Promise<void> {
    let end: CodeEnd;
    try {
      end = { kind: "returned", value: await code() };
    } catch (error) {
      end = { kind: "threw", error };
    }
    await order.codeEnded();
    endWith(end);
  }

  if (parts.isReplayOnly === true) order.stop();

  return {
    run(code) {
      runCode(code).catch(breakOff);
      return ending.promise;
    },
    step: (step, request) => order.request(step, () => beginStep(step, request)),
    wait: (step, request) => order.request(step, () => start(step, () => beginWait(step, request))),
    decide: (step, outcome, more) => order.request(step, () => settle(step, outcome, more)),
    getStuck: (failure, step) => endWith({ kind: "stuck", failure, ...(step === undefined ? {} : { step }) }),
    breakOff,
    hearNews() {
      if (!isInterrupted()) return wake();
      if (state.cancellation !== undefined) {
        const reason = new Error("the run was cancelled");
        for (const abort of underWay.values()) abort.abort(reason);
      }
      endWith({ kind: "interrupted" });
    },
    nextStep: order.firstFresh,
    lastAt: order.lastAt,
  };
}

function valueOf(value: JsonValue | undefined): { value?: JsonValue } {
  return value === undefined ? {} : { value };
}
