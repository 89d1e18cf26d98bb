/**
 * Steps that wait for an event, and the events. Source: protocol document, C.6.
 *
 * Invariants:
 * 1. A wait ends once: by an event, by its deadline, or with its run.
 * 2. An event that is sent to a run is consumed by one wait at least: by all of the run that wait for it now, or else by the
 *    first that waits for it later, in the order of arrival. An event that is sent to all finds who waits now, or nobody.
 * 3. What waits is a record; its timer is made anew from it.
 */
import type { StackClock } from "../clock.ts";
import { ApiError } from "../qstash/api-error.ts";
import { readDestination } from "../qstash/destination.ts";
import { parseDurationMs } from "../qstash/durations.ts";
import type { Options } from "../qstash/publish-options.ts";
import { readJsonObject } from "../qstash/route.ts";
import { storedEventCountMax, waitMsMax, waitTimeoutDefault } from "./limits.ts";
import { isRunning, type OpenStep, type Run, type StepHead, type WaitWork } from "./run.ts";
import { keptOptions } from "./run-options.ts";
import { openStepId, type RunStore } from "./run-store.ts";
import type { Runs } from "./runs.ts";
import { readStepHead } from "./step-body.ts";
import type { WaitTimers } from "./wait-timers.ts";

export type WaitingStep = OpenStep & { work: WaitWork };

export interface WaitRequest {
  runId: string;
  eventId: string;
  options: Options;
  body: Buffer;
  callerIp: string;
}

/** A wait that an event has ended. */
export interface Notified {
  step: WaitingStep;
  run: Run;
  messageId: string;
}

export interface Waits {
  /** Begins a wait, or ends it at once with an event that came before. A repetition changes nothing. @throws ApiError 400 or 412 */
  begin(request: WaitRequest): void;
  /** `out` is what the SDK gets as the result. */
  notifyAll(eventId: string, out: string): Notified[];
  /** Keeps the event when the run does not wait for it. @throws ApiError 412 when it keeps too many. */
  notifyRun(run: Run, eventId: string, out: string): Notified[];
  waitingFor(eventId: string): WaitingStep[];
  /** Makes the timers of the waits that there are. */
  takeUp(): void;
}

export function createWaits(o: { store: RunStore; runs: Runs; timers: WaitTimers; clock: StackClock }): Waits {
  const { store, runs } = o;

  function begin(request: WaitRequest): void {
    const run = runs.running(request.runId);
    const { head, work } = readWait(request, run, o.clock.now());
    runs.check(run, work.delivery);
    if (isKnown(run, head)) return;
    const step: WaitingStep = {
      runKey: run.key,
      head,
      state: "STEP_PROGRESS",
      createdAtMs: o.clock.now(),
      work,
    };
    store.openSteps.put(step);
    const event = store.events.of(run.key).find(({ eventId }) => eventId === request.eventId);
    if (event === undefined) return arm(step);
    store.events.remove(event);
    finish(run, step, { out: event.out });
  }

  /** A delivery that is repeated repeats its wait too. */
  function isKnown(run: Run, head: StepHead): boolean {
    const open = store.openSteps.get(openStepId(run.key, head.stepId));
    return open !== undefined || store.steps.of(run.key).some((step) => step.head.stepId === head.stepId);
  }

  function arm(step: WaitingStep): void {
    const id = openStepId(step.runKey, step.head.stepId);
    o.timers.arm(id, step.work.deadlineMs, () => {
      const run = store.get(step.runKey);
      if (isRunning(run)) finish(run, step, { waitTimeout: true });
    });
  }

  function finish(run: Run, step: WaitingStep, result: { out: string } | { waitTimeout: true }): Notified {
    const { eventId, delivery } = step.work;
    const body = Buffer.from(JSON.stringify({ ...step.head, waitEventId: eventId, ...result }));
    const { messageId } = runs.append(run, { head: step.head, body, ...delivery });
    return { step, run, messageId };
  }

  function notify(waiting: readonly WaitingStep[], out: string): Notified[] {
    return waiting.flatMap((step) => {
      const run = store.get(step.runKey);
      return isRunning(run) ? [finish(run, step, { out })] : [];
    });
  }

  function keep(run: Run, eventId: string, out: string): void {
    const kept = store.events.of(run.key);
    if (kept.length >= storedEventCountMax)
      throw new ApiError(412, `quota maxStoredEvents exceeded. Limit: ${storedEventCountMax}`);
    const number = (kept.at(-1)?.number ?? 0) + 1;
    store.events.put({ runKey: run.key, number, eventId, out });
  }

  return {
    begin,
    notifyAll: (eventId, out) => notify(store.openSteps.all().filter(isWaitingFor(eventId)), out),
    notifyRun(run, eventId, out) {
      const waiting = store.openSteps.of(run.key).filter(isWaitingFor(eventId));
      if (waiting.length === 0) keep(run, eventId, out);
      return notify(waiting, out);
    },
    waitingFor: (eventId) => store.openSteps.all().filter(isWaitingFor(eventId)),
    takeUp: () => store.openSteps.all().filter(isWaiting).forEach(arm),
  };
}

function isWaiting(step: OpenStep): step is WaitingStep {
  return step.work.kind === "wait" && step.state === "STEP_PROGRESS";
}

function isWaitingFor(eventId: string): (step: OpenStep) => step is WaitingStep {
  return (step): step is WaitingStep => isWaiting(step) && step.work.eventId === eventId;
}

function readWait(request: WaitRequest, run: Run, nowMs: number): { head: StepHead; work: WaitWork } {
  const { eventId, options, body, callerIp } = request;
  const { url, timeout = waitTimeoutDefault, timeoutUrl, timeoutBody, timeoutHeaders, step } = readJsonObject(body);
  if (typeof timeout !== "string") throw new ApiError(400, "invalid wait: timeout is a duration");
  const work: WaitWork = {
    kind: "wait",
    eventId,
    timeout,
    deadlineMs: nowMs + readTimeoutMs(timeout),
    delivery: {
      url: typeof url === "string" ? readDestination(url) : run.url,
      options: keptOptions(options),
      callerIp,
    },
    ...(typeof timeoutUrl === "string" && { timeoutUrl }),
    ...(timeoutBody !== undefined && { timeoutBody }),
    ...(timeoutHeaders !== undefined && { timeoutHeaders }),
  };
  return { head: readStepHead(step), work };
}

function readTimeoutMs(timeout: string): number {
  const timeoutMs = parseDurationMs(timeout);
  if (timeoutMs === undefined) throw new ApiError(400, `invalid wait: timeout ${timeout}`);
  if (timeoutMs > waitMsMax)
    throw new ApiError(412, `quota maxWait exceeded. Limit: ${waitMsMax}ms, wanted: ${timeout}`);
  return Math.round(timeoutMs);
}
