/**
 * Runs the code of a run over its journal: what is recorded is handed out again, what is new is done, until the code ends or the segment has to.
 *
 * I1 A step's body runs only after everything that was decided before it is durable.
 * I2 After the segment's end was decided no body begins but those that the budget had admitted; the end comes when they have ended.
 * I3 Nothing that happens here is the run's outcome but what its code returns or throws: a lost lease or a storage that fails ends the
 *    segment by throwing.
 * I4 When the code has ended, the run has not before the steps that it asked for have their outcomes, also those that nobody awaits. What it waits for besides
 *    (times, signals, answers) ends with it.
 */
import { limits } from "../core/limits.ts";
import { createAlarm } from "./alarm.ts";
import { attemptStep } from "./attempt-step.ts";
import type { CodeEnd } from "./code-end.ts";
import { createDeadlines } from "./deadlines.ts";
import { troubleOf } from "./failures.ts";
import { createFlushSoon } from "./flush-soon.ts";
import type { Interpreter, InterpreterParts, TurnEnd } from "./interpreter.ts";
import { createLazyAbort, type LazyAbort } from "./lazy-abort.ts";
import { divergence, stalled } from "./park-reasons.ts";
import { afterQuiet, interrupted } from "./quiet.ts";
import { isInterrupted, isUndoWanted } from "./run-state.ts";
import type { StepContext } from "./run-context.ts";
import { endOfRoom } from "./segment-room.ts";
import { settledRecord, type Settling } from "./settled-record.ts";
import { createStepOrder, type Outcome } from "./step-order.ts";
import type { StepRequest, WaitRequest } from "./step-request.ts";
import { createWaits, type ActiveWait } from "./waits.ts";

export function createInterpreter(parts: InterpreterParts): Interpreter {
  const { state, writer, clock } = parts;
  const ending = Promise.withResolvers<CodeEnd>();
  const stopping = new AbortController();
  const underWay = new Map<string, LazyAbort>();
  const held: (() => void)[] = [];
  const deadlines = createDeadlines({ clock, pause: parts.pause, signal: stopping.signal });
  const waits = createWaits({ state, clock });
  const flushSoon = createFlushSoon({ ...parts, signal: stopping.signal, onLost: breakOff });
  const alarm = createAlarm({ ...parts, signal: stopping.signal, onTime: wake });
  let wanted: CodeEnd | undefined;
  /** How the code ended, while what it left behind has not. */
  let left: CodeEnd | undefined;
  let starting: string | undefined;
  /** Names that are those of steps, not of waits. */
  const steps = new Set<string>();

  const order = createStepOrder({
    recorded: parts.recorded,
    startedAt: state.started?.origin?.startedAtMs ?? state.startedAt,
    isBusy: () => underWay.size > 0,
    onDivergence: (recorded, asked) => endWith({ kind: "stuck", ...divergence(recorded, asked) }),
    onQuiet,
    onStalled: watchStall,
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
    const at = writer.add(settledRecord(step, outcome, { ...beside, ...more }));
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

  /** U3 */
  function isUncertain(step: string, { isUndoable }: StepRequest): boolean {
    if (isUndoable !== true || state.deathsInARow >= limits.deathsInARowMax) return false;
    // An attempt that failed may only have lost its answer. Of others only what is asked for right behind the recorded outcomes can have begun before a death: what comes
    // later stands on outcomes that were not durable.
    return state.attempts.has(step) || (state.isUncertain && order.handedOut() === parts.recorded.length);
  }

  /** Whether something new may begin; if not, the segment ends, once what may have happened has been seen to its end. */
  function mayBegin(isUrgent = false): boolean {
    if (wanted !== undefined) return false;
    if (isInterrupted(state) && !isUrgent) {
      if (!isUndoWanted(state)) endWith(interrupted);
      return false;
    }
    const end = endOfRoom(parts, underWay.size);
    if (end !== undefined) endWith(end);
    return end === undefined;
  }

  function beginStep(step: string, request: StepRequest): void {
    if (underWay.size >= limits.stepsAtOnceMax) return void held.push(() => beginStep(step, request));
    if (mayBegin(isUncertain(step, request))) start(step, (abort) => work(step, request, abort));
  }

  function start(step: string, begin: (abort: LazyAbort) => Promise<void>): void {
    const abort = createLazyAbort();
    underWay.set(step, abort);
    begin(abort).catch(breakOff);
  }

  /** Whether the segment ends before what was about to begin. What the budget has admitted is done, whoever came after it: else a segment could end with nothing done. */
  function isTooLate(step: string, isUrgent = false): boolean {
    const isStopped = wanted === undefined ? isInterrupted(state) && !isUrgent : wanted.kind !== "out-of-budget";
    if (!isStopped) return false;
    underWay.delete(step);
    goOn();
    return true;
  }

  async function work(step: string, request: StepRequest, abort: LazyAbort): Promise<void> {
    await writer.flush();
    if (isTooLate(step, isUncertain(step, request))) return;
    const attempt = (state.attempts.get(step)?.count ?? 0) + 1;
    const { options, isUndoable } = request;
    const body = (context: StepContext): unknown => {
      starting = step;
      try {
        return request.body(context);
      } finally {
        starting = undefined;
      }
    };
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
    const onTime = (): void => beginStep(step, request);
    waitFor({ step, untilMs: nextAtMs, signal: undefined, onTime, attempt: { isUndoable: isUndoable === true } });
  }

  function beginWait(step: string, request: WaitRequest): void {
    const known = state.waits.get(step);
    if (known !== undefined) return awaitOutcome(step, request, known.untilMs);
    const { begin } = request;
    if (begin !== undefined && underWay.size >= limits.stepsAtOnceMax) {
      return void held.push(() => beginWait(step, request));
    }
    if (!mayBegin()) return;
    if (begin === undefined) return enterWait(step, request);
    start(step, () => reachOut(step, request, begin));
  }

  /** I3: only what the code is to blame for becomes an outcome. */
  async function reachOut(step: string, request: WaitRequest, begin: () => Promise<void>): Promise<void> {
    await writer.flush();
    if (isTooLate(step)) return;
    const trouble = await troubleOf(begin);
    if (trouble?.isRefusal === true) return settle(step, { kind: "failed", failure: trouble.failure });
    if (trouble !== undefined) {
      underWay.delete(step);
      return endWith({ kind: "stuck", step, ...trouble });
    }
    enterWait(step, request);
  }

  function enterWait(step: string, request: WaitRequest): void {
    const { untilMs, signal } = request;
    const until = untilMs === undefined ? {} : { untilMs };
    writer.add({ type: "waiting", step, ...until, ...(signal === undefined ? {} : { signal }) });
    flushSoon();
    awaitOutcome(step, request, untilMs);
  }

  function awaitOutcome(step: string, { signal, atTime }: WaitRequest, untilMs: number | undefined): void {
    waitFor({
      step,
      untilMs,
      signal,
      onTime: () => settle(step, { kind: "done", value: atTime }),
      onSignal: ({ id, payload }) =>
        settle(step, { kind: "done", value: { kind: "received", payload: payload ?? null } }, { signalId: id }),
    });
  }

  /** A loop whose turns do nothing would write without ever waiting for a flush. */
  function decide(step: string, outcome: Outcome, turn: TurnEnd | undefined): void {
    if (!mayBegin()) return;
    if (writer.pending() < limits.pendingRecordsMax) return settle(step, outcome, turn);
    start(step, () => writer.flush().then(() => settle(step, outcome, turn)));
  }

  /** From here on the step is not under way but waits; short waits have a timer of their own. */
  function waitFor(wait: ActiveWait): void {
    underWay.delete(wait.step);
    waits.add(wait);
    alarm.ringIfSoon(wait.untilMs);
    goOn();
  }

  function wake(): void {
    if (wanted !== undefined) return;
    if (left !== undefined || isInterrupted(state)) return order.poke();
    while (waits.settleOne());
  }

  function onQuiet(): void {
    if (wanted !== undefined) return endIfIdle();
    const isReplayOnly = parts.isReplayOnly === true;
    const next = afterQuiet({ state, waits, left, isReplayOnly, isStepLeft: stepLeft() !== undefined });
    switch (next.kind) {
      case "end":
        return endWith(next.end);
      case "settled":
        return wake();
      case "stall":
        return watchStall();
      case "wait":
        if (!alarm.ringIfSoon(next.untilMs)) endWith({ kind: "waiting", untilMs: next.untilMs });
    }
  }

  function stepLeft(): string | undefined {
    return order.fresh().find((step) => steps.has(step));
  }

  /** Code that awaits something that is no step may never come back. */
  function watchStall(): void {
    if (wanted !== undefined) return;
    const handedOut = order.handedOut();
    alarm.afterStall(() => {
      if (underWay.size > 0 || !waits.isEmpty() || order.handedOut() !== handedOut) return;
      endWith({ kind: "stuck", failure: stalled });
    });
  }

  async function runCode(code: () => Promise<unknown>): Promise<void> {
    try {
      left = { kind: "returned", value: await code() };
    } catch (error) {
      left = { kind: "threw", error };
    }
    order.codeEnded();
  }

  return {
    run(code) {
      if (parts.isReplayOnly === true) order.stop();
      void runCode(code);
      // Code that asks for nothing has to be noticed, too.
      order.poke();
      return ending.promise;
    },
    step(step, request) {
      steps.add(step);
      return order.request(step, () => beginStep(step, request));
    },
    wait: (step, request) => order.request(step, () => beginWait(step, request)),
    decide: (step, outcome, turn) => order.request(step, () => decide(step, outcome, turn)),
    refuse: (step, failure) => order.request(step, () => endWith({ kind: "stuck", failure, step })),
    getStuck: (failure) => endWith({ kind: "stuck", failure }),
    breakOff,
    starting: () => starting,
    hearNews() {
      if (!isInterrupted(state)) return wake();
      if (state.cancellation !== undefined) {
        const reason = new Error("the run was cancelled");
        for (const abort of underWay.values()) abort.abort(reason);
      }
      if (isUndoWanted(state)) order.poke();
      else endWith(interrupted);
    },
    nextStep: () => stepLeft() ?? order.fresh()[0],
    lastAt: order.lastAt,
  };
}
