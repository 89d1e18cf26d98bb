/**
 * The life of a workflow run: how it starts, what is appended to it, how it ends. Source: protocol document, C.1 to C.8.
 *
 * Invariants:
 * 1. Steps are only ever appended, in the order of acceptance; each is delivered by a message of its own.
 * 2. Of one run id at most one run has not ended. To a run that has ended nothing is appended.
 * 3. A run that ends takes back its messages, its waits and the events that it never waited for, and tells who invoked it.
 * 4. Everything here happens in one turn: nobody sees half of it, and a storage that writes per turn writes all or nothing.
 */
import type { StackClock } from "../clock.ts";
import { ApiError } from "../qstash/api-error.ts";
import { readDestination } from "../qstash/destination.ts";
import type { Message } from "../qstash/message.ts";
import { readOptions, type Options } from "../qstash/publish-options.ts";
import { runningRunCountMax, stepCountMax } from "./limits.ts";
import {
  isRunning,
  type Invoker,
  type OpenStep,
  type Proof,
  type ResultDelivery,
  type Run,
  type RunState,
  type StepHead,
} from "./run.ts";
import type { RunMessages } from "./run-messages.ts";
import { runWideOptions, userHeader } from "./run-options.ts";
import { openStepId, type RunStore } from "./run-store.ts";
import { firstHead } from "./step-body.ts";
import type { WaitTimers } from "./wait-timers.ts";

export interface Trigger {
  runId: string;
  url: string;
  options: Options;
  body: Buffer;
  callerIp: string;
  proof?: Proof;
  invoker?: Invoker;
}

export interface StartedRun {
  run: Run;
  /** The message that delivers its initial payload. */
  messageId: string;
  /** There was such a run already, and nothing happened. */
  isRepetition: boolean;
}

export interface NewStep extends ResultDelivery {
  head: StepHead;
  body: Buffer;
}

interface Ended {
  state: Exclude<RunState, "RUN_STARTED">;
  response?: string;
  dlqId?: string;
  /** The message that could not be delivered. */
  failed?: Message;
}

export interface Runs {
  /** @throws ApiError 400 or 412 */
  start(trigger: Trigger): StartedRun;
  /** @throws ApiError 400 for a run that does not run: the SDK takes this status as "the run is over" and stops. */
  running(runId: string): Run;
  /** Appends what the endpoint submitted. @throws ApiError 400 or 412 */
  submit(run: Run, step: NewStep): Message;
  /** Refuses what could not be delivered when it comes to it. @throws ApiError 400 or 412 */
  check(run: Run, delivery: ResultDelivery): void;
  /** Appends the result of an open step, whose delivery was checked when it was opened. */
  append(run: Run, step: NewStep): Message;
  /** Does nothing to a run that is over. */
  end(run: Run, ended: Ended): void;
}

export function createRuns(o: { store: RunStore; messages: RunMessages; timers: WaitTimers; clock: StackClock }): Runs {
  const { store, messages, timers } = o;

  function start(trigger: Trigger): StartedRun {
    const latest = store.latest(trigger.runId);
    if (!isRunning(latest)) return begin(newRun(trigger, latest), trigger);
    const isAsked = trigger.options["upstash-workflow-trigger-by-sdk"] === "true";
    if (isAsked) return begin(renewed(latest, trigger), trigger);
    const messageId = store.steps.of(latest.key)[0]?.messageId ?? "";
    return { run: latest, messageId, isRepetition: true };
  }

  function newRun(trigger: Trigger, earlier: Run | undefined): Run {
    if (store.runningCount() >= runningRunCountMax)
      throw new ApiError(412, `quota maxRuns exceeded. Limit: ${runningRunCountMax}`);
    // The time tells runs of one id apart, also while the clock stands still.
    const createdAtMs = Math.max(o.clock.now(), (earlier?.createdAtMs ?? 0) + 1);
    const { header, failureCallback } = readOptions(trigger.options, o.clock.now());
    return {
      key: `${trigger.runId}@${createdAtMs}`,
      runId: trigger.runId,
      url: readDestination(trigger.options["upstash-workflow-url"] ?? trigger.url),
      createdAtMs,
      state: "RUN_STARTED",
      callerIp: trigger.callerIp,
      options: runWideOptions(trigger.options),
      header: userHeader(header),
      ...(failureCallback !== undefined && { failureCallback }),
      ...(trigger.proof !== undefined && { proof: trigger.proof }),
      ...(trigger.invoker !== undefined && { invoker: trigger.invoker }),
    };
  }

  /** The endpoint triggers itself again, once it knows what called it; it does not repeat what the caller had configured. */
  function renewed(run: Run, trigger: Trigger): Run {
    const { header, failureCallback } = readOptions(trigger.options, o.clock.now());
    return {
      ...run,
      options: { ...run.options, ...runWideOptions(trigger.options) },
      header: { ...run.header, ...userHeader(header) },
      ...(failureCallback !== undefined && { failureCallback }),
      ...(trigger.proof !== undefined && { proof: trigger.proof }),
    };
  }

  function begin(run: Run, { url, options, body, callerIp }: Trigger): StartedRun {
    const message = planStep(run, 0, { url, options, body, callerIp });
    takeBack(run.key);
    store.steps.removeGroup(run.key);
    store.openSteps.removeGroup(run.key);
    store.put(run);
    accept(message, firstHead);
    return { run, messageId: message.messageId, isRepetition: false };
  }

  function planStep(run: Run, index: number, step: Omit<NewStep, "head">): Message {
    const { "content-type": contentType, ...options } = step.options;
    // The content type is the user's, whatever the SDK submits a step as.
    const own = run.header["Content-Type"] === undefined && contentType !== undefined;
    return messages.plan({
      run,
      role: { kind: "step", index },
      url: step.url,
      options: { ...run.options, ...options, ...(own && { "content-type": contentType }) },
      header: run.header,
      body: step.body,
      callerIp: step.callerIp,
    });
  }

  function accept(message: Message, head: StepHead, open?: OpenStep): void {
    const { run, messageId, url, body, header, maxRetries, retryDelayExpression } = message;
    if (run?.role.kind !== "step") return;
    store.steps.put({
      runKey: run.runKey,
      index: run.role.index,
      head,
      messageId,
      url,
      body,
      header,
      maxRetries,
      ...(retryDelayExpression !== undefined && { retryDelayExpression }),
      createdAtMs: message.createdAtMs,
      notBeforeMs: message.notBeforeMs,
      ...(open !== undefined && { work: open.work }),
      ...(open?.failures !== undefined && { workFailures: open.failures }),
    });
    messages.send(message);
  }

  function append(run: Run, { head, ...step }: NewStep): Message {
    const message = planStep(run, store.steps.countOf(run.key), step);
    const open = store.openSteps.get(openStepId(run.key, head.stepId));
    if (open !== undefined) close(open);
    accept(message, head, open);
    return message;
  }

  function close(open: OpenStep): void {
    timers.disarm(openStepId(open.runKey, open.head.stepId));
    store.openSteps.remove(open);
  }

  function takeBack(runKey: string): void {
    for (const message of messages.pendingOf(runKey)) messages.cancel(message);
    for (const { head } of store.openSteps.of(runKey)) timers.disarm(openStepId(runKey, head.stepId));
  }

  function end(run: Run, { state, failed, ...details }: Ended): void {
    if (run.state !== "RUN_STARTED") return;
    const pending = messages.pendingOf(run.key);
    const waiting = pending.filter(({ messageId }) => !messages.isUnderWay(messageId));
    // A run succeeds inside of its last delivery, which is then not left undone.
    const undone = state === "RUN_SUCCESS" ? waiting : pending;
    run.state = state;
    run.ending = {
      atMs: o.clock.now(),
      ...details,
      unfinished: Object.fromEntries([
        ...undone.map(({ messageId }) => [messageId, "STEP_CANCELED"] as const),
        ...(failed === undefined ? [] : [[failed.messageId, "STEP_FAILED"] as const]),
      ]),
    };
    store.put(run);
    // An attempt under way goes on to its own end, or the endpoint that ends its run would be cut off.
    for (const message of waiting) messages.cancel(message);
    for (const open of store.openSteps.of(run.key)) abandon(open, failed);
    store.events.removeGroup(run.key);
    tellInvoker(run);
    store.forgetOldest();
  }

  function abandon(open: OpenStep, failed: Message | undefined): void {
    timers.disarm(openStepId(open.runKey, open.head.stepId));
    // An invoked run goes on without its invoker.
    if (open.work.kind === "invoke") return;
    const role = failed?.run?.role;
    const isFailed = role?.kind === "call-result" && role.stepId === open.head.stepId;
    store.openSteps.put({ ...open, state: isFailed ? "STEP_FAILED" : "STEP_CANCELED" });
  }

  function tellInvoker(run: Run): void {
    const { invoker } = run;
    const open = invoker && store.openSteps.get(openStepId(invoker.runKey, invoker.stepId));
    if (open?.work.kind !== "invoke" || open.out !== undefined) return;
    const out = JSON.stringify({
      workflowRunId: run.runId,
      ...(run.ending?.response !== undefined && { body: run.ending.response }),
      isFailed: run.state === "RUN_FAILED",
      isCanceled: run.state === "RUN_CANCELED",
    });
    const parent = store.get(open.runKey);
    const body = Buffer.from(JSON.stringify({ ...open.head, out }));
    if (isRunning(parent)) append(parent, { head: open.head, body, ...open.work.delivery });
    else store.openSteps.put({ ...open, state: "STEP_SUCCESS", out });
  }

  return {
    start,
    running(runId) {
      const run = store.latest(runId);
      if (isRunning(run)) return run;
      throw new ApiError(400, `failed to publish to url: can not append to ${wordFor(run)} workflow`);
    },
    submit(run, step) {
      if (store.steps.countOf(run.key) >= stepCountMax)
        throw new ApiError(412, `quota maxSteps exceeded. Limit: ${stepCountMax}`);
      return append(run, step);
    },
    check: (run, delivery) => void planStep(run, 1, { ...delivery, body: Buffer.alloc(0) }),
    append,
    end,
  };
}

function wordFor(run: Run | undefined): string {
  if (run === undefined) return "an unknown";
  return { RUN_STARTED: "a", RUN_SUCCESS: "a finished", RUN_FAILED: "a failed", RUN_CANCELED: "a cancelled" }[
    run.state
  ];
}
