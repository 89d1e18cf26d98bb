/**
 * What becomes of a publish request that belongs to a run: a run, a step, or a call. Source: protocol document, C.2 to C.7.
 * Waits come by a route of their own, see waits-resource.ts.
 */
import { ApiError } from "../qstash/api-error.ts";
import type { PublishAnswer, PublishRequest, TakeForRun } from "../qstash/publish.ts";
import type { Options } from "../qstash/publish-options.ts";
import type { Calls } from "./calls.ts";
import type { Invocations } from "./invocations.ts";
import type { Run } from "./run.ts";
import { readRunId } from "./run-options.ts";
import type { Runs, StartedRun, Trigger } from "./runs.ts";
import { readSubmittedHead } from "./step-body.ts";

export function createIntake(o: { runs: Runs; calls: Calls; invocations: Invocations }): TakeForRun {
  function take(request: PublishRequest): PublishAnswer {
    const { destination: url, options, body, callerIp } = request;
    const runId = readRunId(options["upstash-workflow-runid"] ?? "");
    if (readInit(options)) {
      const trigger = { runId, url, options, body, callerIp, ...proofOf(options) };
      const isInvoke = options["upstash-workflow-invoke"] === "true";
      return answerOf(isInvoke ? o.invocations.begin(trigger) : o.runs.start(trigger));
    }
    const run = o.runs.running(runId);
    const callType = options["upstash-workflow-calltype"] ?? "step";
    if (callType === "toCallback") return answerTo(run, o.calls.begin(run, request));
    if (callType !== "step") throw new ApiError(400, `invalid Upstash-Workflow-CallType: ${callType}`);
    const { messageId } = o.runs.submit(run, { head: readSubmittedHead(body), url, options, body, callerIp });
    return answerTo(run, messageId);
  }

  return (request) => {
    if (request.queueName !== undefined) throw new ApiError(400, "a message of a workflow run cannot be enqueued");
    return take(request);
  };
}

/** The answer to whoever started a run, or tried to. */
function answerOf({ run, messageId, isRepetition }: StartedRun): PublishAnswer {
  return { ...answerTo(run, messageId), ...(isRepetition && { deduplicated: true as const }) };
}

function answerTo(run: Run, messageId: string): PublishAnswer {
  return { messageId, workflowRunId: run.runId, workflowCreatedAt: run.createdAtMs };
}

function readInit(options: Options): boolean {
  const text = options["upstash-workflow-init"];
  if (text === "true" || text === "false") return text === "true";
  throw new ApiError(400, "Upstash-Workflow-Init must be true or false");
}

function proofOf(options: Options): Pick<Trigger, "proof"> {
  const features = (options["upstash-feature-set"] ?? "").split(",").map((feature) => feature.trim());
  return features.includes("WF_DetectTrigger") ? { proof: "Upstash-Workflow-Sdk-Version" } : {};
}
