/** A failed run again, under a new id: from its start, or from where it failed. Source: protocol document, C.9. */
import { randomUUID } from "node:crypto";
import type { StackClock } from "../clock.ts";
import { readDestination } from "../qstash/destination.ts";
import type { Message } from "../qstash/message.ts";
import type { Options } from "../qstash/publish-options.ts";
import type { Run, Step } from "./run.ts";
import type { RunMessages } from "./run-messages.ts";
import { runWideOptions } from "./run-options.ts";
import type { RunStore } from "./run-store.ts";

export interface RunRetries {
  /** With the initial payload alone. `overrides` are publish options. @throws ApiError 400 or 412 for options that cannot be. */
  restart(run: Run, overrides: Options): Run;
  /** With all steps that were accepted; what had no result is delivered again. @throws ApiError 400 or 412 */
  resume(run: Run, overrides: Options): Run;
}

export function createRunRetries(o: { store: RunStore; messages: RunMessages; clock: StackClock }): RunRetries {
  function plan(run: Run, step: Step, options: Options): Message {
    return o.messages.plan({
      run,
      role: { kind: "step", index: step.index },
      url: step.url,
      options: { ...run.options, ...options },
      header: { ...step.header, ...labelHeader(run) },
      body: step.body,
      callerIp: run.callerIp,
    });
  }

  function again(run: Run, steps: readonly Step[], delivered: readonly Step[], overrides: Options): Run {
    const copy = copyOf(run, overrides, o.clock.now());
    // All are made before the first is kept: what cannot be is refused as a whole.
    const planned = steps.map((step) => ({ step, message: plan(copy, step, delayOf(overrides)) }));
    o.store.put(copy);
    for (const { step, message } of planned) {
      const { failures: _, ...kept } = step;
      // A sleep that is not over is not shortened.
      message.notBeforeMs = Math.max(message.notBeforeMs, step.notBeforeMs);
      const { messageId, maxRetries, retryDelayExpression } = message;
      o.store.steps.put({
        ...kept,
        runKey: copy.key,
        messageId,
        maxRetries,
        ...(retryDelayExpression !== undefined && { retryDelayExpression }),
      });
      if (delivered.includes(step)) o.messages.send(message);
    }
    return copy;
  }

  return {
    restart(run, overrides) {
      const first = o.store.steps.of(run.key).slice(0, 1);
      return again(run, first, first, overrides);
    },
    resume(run, overrides) {
      const steps = o.store.steps.of(run.key);
      return again(run, steps, undoneOf(steps), overrides);
    },
  };
}

export function newRunId(): string {
  return `wfr_${randomUUID().replaceAll("-", "")}`;
}

/** Of steps side by side those without a result; else the last one, whose delivery leads to the next. */
function undoneOf(steps: readonly Step[]): Step[] {
  const done = new Set(steps.map(({ head }) => head.stepId));
  const plans = steps.filter(({ head }) => head.targetStep !== undefined && !done.has(head.targetStep));
  return plans.length > 0 ? plans : steps.slice(-1);
}

/** Who invoked the failed run has been told already, and waits for nobody any more. */
function copyOf(run: Run, overrides: Options, nowMs: number): Run {
  const runId = newRunId();
  const failureUrl = overrides["upstash-failure-callback"];
  const { invoker: _invoker, ending: _ending, failureCall: _failureCall, ...kept } = run;
  return {
    ...kept,
    key: `${runId}@${nowMs}`,
    runId,
    createdAtMs: nowMs,
    state: "RUN_STARTED",
    options: { ...run.options, ...runWideOptions(overrides) },
    ...(failureUrl !== undefined && {
      failureCallback: { options: {}, ...run.failureCallback, url: readDestination(failureUrl) },
    }),
  };
}

/** It is for the first messages of the new run alone. */
function delayOf(overrides: Options): Options {
  const delay = overrides["upstash-delay"];
  return delay === undefined ? {} : { "upstash-delay": delay };
}

/** The SDK reads the label of a run in a header that the user's are full of. */
function labelHeader({ options }: Run) {
  const label = options["upstash-label"];
  return label === undefined ? {} : { "Upstash-Label": [label] };
}
