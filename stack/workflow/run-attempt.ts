/**
 * What an attempt to deliver a message of a run is, beyond an attempt to deliver a message: the body is put together when it
 * is sent, a first answer must be a workflow's, failures are noted for the log. Source: protocol document, C.2 and C.3.
 */
import type { Attempt } from "../qstash/attempt.ts";
import type { Message, Outcome, RunPart } from "../qstash/message.ts";
import { failureText, isSuccess } from "../qstash/outcome.ts";
import { failureBodyBytesMax, failureCountMax } from "./limits.ts";
import { isRunning, type FailedAttempt, type Proof, type Run, type Step } from "./run.ts";
import type { RunMessages } from "./run-messages.ts";
import { openStepId, type RunStore } from "./run-store.ts";

const proofMissing: Record<Proof, string> = {
  "Upstash-Workflow-Sdk-Version":
    "detected a non-workflow destination for trigger/invoke. " +
    "make sure you are sending the request to the correct endpoint",
  "Upstash-Workflow-Sdk": "trigger rest api is only usable with sdk versions after v1.0.0 major version",
};

/** `attempt` delivers a message as it is; so are those delivered that belong to no run. */
export function createRunAttempt(o: {
  store: RunStore;
  messages: RunMessages;
  attempt: Attempt;
  /** Longer bodies are left out, and the SDK fetches the steps itself; absent: none is. */
  lazyFetchBytes: number | undefined;
  /** Attempts that fail from then on were broken off by us. */
  closing: AbortSignal;
  now: () => number;
}): Attempt {
  function composed(message: Message, { runKey, role }: RunPart): Message {
    if (role.kind !== "step") return message;
    const body = Buffer.from(JSON.stringify(viewRawSteps(o.store.steps.of(runKey).slice(0, role.index + 1))));
    const isLazy = o.lazyFetchBytes !== undefined && body.length > o.lazyFetchBytes;
    return { ...message, body: isLazy ? Buffer.alloc(0) : body };
  }

  function judged(run: Run | undefined, { role }: RunPart, outcome: Outcome): Outcome {
    const isFirst = role.kind === "step" && role.index === 0;
    const proof = isFirst && isRunning(run) ? run.proof : undefined;
    if (proof === undefined || !isSuccess(outcome) || outcome.header[proof] !== undefined) return outcome;
    return { ...outcome, error: proofMissing[proof], isFinal: true };
  }

  function noteFailure(message: Message, { runKey, role }: RunPart, outcome: Outcome): void {
    const failure = failedAttempt(outcome, o.now());
    if (role.kind === "step") {
      const step = o.store.steps.get(`${runKey}/${role.index}`);
      if (step?.messageId === message.messageId)
        o.store.steps.put({ ...step, failures: added(step.failures, failure) });
    } else if (role.kind === "failure") {
      const run = o.store.get(runKey);
      if (run?.failureCall?.messageId !== message.messageId) return;
      run.failureCall.failures = added(run.failureCall.failures, failure);
      o.store.put(run);
    } else {
      const open = o.store.openSteps.get(openStepId(runKey, role.stepId));
      if (open !== undefined) o.store.openSteps.put({ ...open, failures: added(open.failures, failure) });
    }
  }

  return async (message, fault) => {
    const part = message.run;
    if (part === undefined) return o.attempt(message, fault);
    o.messages.setUnderWay(message.messageId, true);
    const answer = await o.attempt(composed(message, part), fault);
    o.messages.setUnderWay(message.messageId, false);
    const run = o.store.get(part.runKey);
    const outcome = judged(run, part, answer);
    if (isSuccess(outcome) || o.closing.aborted) return outcome;
    // The run ended inside of this delivery, whose answer then got lost: there is nothing left to retry.
    if (!isRunning(run) && part.role.kind !== "failure") o.messages.cancel(message);
    else noteFailure(message, part, outcome);
    return outcome;
  };
}

/** What the SDK reads as the history of the run. */
export function viewRawSteps(steps: readonly Step[]): object[] {
  return steps.map(({ messageId, body }) => ({ messageId, body: body.toString("base64"), callType: "step" }));
}

function failedAttempt(outcome: Outcome, timeMs: number): FailedAttempt {
  return {
    error: failureText(outcome),
    status: outcome.status,
    header: outcome.header,
    body: outcome.body.subarray(0, failureBodyBytesMax).toString("utf8"),
    timeMs,
  };
}

function added(failures: readonly FailedAttempt[] | undefined, failure: FailedAttempt): FailedAttempt[] {
  return [...(failures ?? []), failure].slice(-failureCountMax);
}
