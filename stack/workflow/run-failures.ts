/** What follows when a run fails: a dead letter, and a call that tells of it. Source: protocol document, C.8. */
import { randomInt } from "node:crypto";
import type { StackClock } from "../clock.ts";
import { ApiError } from "../qstash/api-error.ts";
import { callbackBody, type Ending } from "../qstash/callbacks.ts";
import { isRunning, type Run, type RunDeadLetter } from "./run.ts";
import type { RunMessages } from "./run-messages.ts";
import { failureCallDefaults } from "./run-options.ts";
import type { RunStore } from "./run-store.ts";
import type { Runs } from "./runs.ts";

export interface RunFailures {
  /** The message of a run failed for good, and the run with it. Does nothing when the run is over. */
  fail(run: Run, ending: Ending): void;
  /** The call that tells of a failure has ended. */
  concludeCall(run: Run, ending: Ending): void;
  /** Tells again what could not be told. @throws ApiError 400 unless the call has failed. */
  repeatCall(run: Run, letter: RunDeadLetter): void;
  /** @throws ApiError 400 unless a call is on its way. */
  cancelCall(run: Run): void;
}

export function createRunFailures(o: {
  store: RunStore;
  runs: Runs;
  messages: RunMessages;
  cancelMessage: (messageId: string) => void;
  clock: StackClock;
}): RunFailures {
  function sendCall(run: Run, letter: RunDeadLetter): void {
    const { message: failed, outcome, dlqId } = letter;
    const target = failed.failureCallback ?? run.failureCallback;
    if (target === undefined) return;
    const payload = o.store.steps.of(run.key)[0]?.body ?? Buffer.alloc(0);
    const body = {
      ...callbackBody({ message: failed, outcome, isFailed: true, dlqId }),
      url: run.url,
      sourceBody: payload.toString("base64"),
    };
    const message = o.messages.plan({
      run,
      role: { kind: "failure" },
      url: target.url,
      options: { ...failureCallDefaults(run.options), ...target.options },
      body: Buffer.from(JSON.stringify(body)),
      callerIp: run.callerIp,
    });
    const { messageId, url } = message;
    run.failureCall = { messageId, url, state: "CALLBACK_INPROGRESS", told: outcome, failures: [] };
    o.store.put(run);
    o.messages.send(message);
  }

  return {
    fail(run, { message, outcome }) {
      if (!isRunning(run)) return;
      const failedAtMs = o.clock.now();
      // Random, so that it meets neither a dead letter of QStash nor one of an earlier process.
      const letter = { dlqId: `${failedAtMs}-${randomInt(1e9)}`, runKey: run.key, failedAtMs, message, outcome };
      o.store.deadLetters.put(letter.dlqId, letter);
      o.runs.end(run, { state: "RUN_FAILED", dlqId: letter.dlqId, failed: message });
      sendCall(run, letter);
    },
    concludeCall(run, { message, outcome, isFailed }) {
      const call = run.failureCall;
      if (call?.messageId !== message.messageId) return;
      const isAbsent = outcome.header["Upstash-Workflow-Failure-Callback-Notfound"]?.[0] === "true";
      // The endpoint has no failure function: it is as if nobody had been called.
      if (isAbsent && !isFailed) delete run.failureCall;
      else Object.assign(call, { state: isFailed ? "CALLBACK_FAIL" : "CALLBACK_SUCCESS", response: outcome });
      o.store.put(run);
    },
    repeatCall(run, letter) {
      if (run.failureCall?.state !== "CALLBACK_FAIL")
        throw new ApiError(400, `workflow run ${run.runId} has no failure callback that failed`);
      sendCall(run, letter);
    },
    cancelCall(run) {
      const call = run.failureCall;
      if (call?.state !== "CALLBACK_INPROGRESS")
        throw new ApiError(400, `workflow run ${run.runId} has no failure callback in progress`);
      o.cancelMessage(call.messageId);
      call.state = "CALLBACK_CANCELED";
      o.store.put(run);
    },
  };
}
