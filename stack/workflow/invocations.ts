/** `context.invoke`: a run that another run waits for. Its end is told by runs.ts. Source: protocol document, C.7. */
import { ApiError } from "../qstash/api-error.ts";
import { readDestination } from "../qstash/destination.ts";
import { readJsonObject } from "../qstash/route.ts";
import type { InvokeWork, Run, StepHead } from "./run.ts";
import { keptOptions, readHeaderLists } from "./run-options.ts";
import type { RunStore } from "./run-store.ts";
import type { Runs, StartedRun, Trigger } from "./runs.ts";
import { readStepHead } from "./step-body.ts";

export interface Invocations {
  /**
   * Starts the child that `trigger` describes; its body holds the child's payload, and the step that waits for the child's end.
   * @throws ApiError 400 or 412
   */
  begin(trigger: Trigger): StartedRun;
}

export function createInvocations(o: { store: RunStore; runs: Runs; now: () => number }): Invocations {
  return {
    begin(trigger) {
      const { parent, head, payload, delivery } = readInvoke(trigger, o.runs);
      o.runs.check(parent, delivery);
      const started = o.runs.start({ ...trigger, body: payload, invoker: invokerOf(parent, head) });
      const { run: child, isRepetition } = started;
      if (isRepetition && child.invoker?.runKey !== parent.key)
        throw new ApiError(412, `workflow run ${child.runId} is running already; this step did not invoke it`);
      if (isRepetition) return started;
      const work: InvokeWork = {
        kind: "invoke",
        childId: child.runId,
        childUrl: child.url,
        childCreatedAtMs: child.createdAtMs,
        header: child.header,
        body: payload,
        delivery,
      };
      o.store.openSteps.put({ runKey: parent.key, head, state: "STEP_PROGRESS", createdAtMs: o.now(), work });
      return started;
    },
  };
}

function readInvoke({ body: bytes, callerIp }: Trigger, runs: Runs) {
  const { body = "", headers, workflowRunId, workflowUrl, step } = readJsonObject(bytes);
  if (typeof body !== "string") throw new ApiError(400, "invalid invoke: body is a string");
  if (typeof workflowRunId !== "string") throw new ApiError(400, "invalid invoke: workflowRunId is missing");
  const parent = runs.running(workflowRunId);
  const url = typeof workflowUrl === "string" ? readDestination(workflowUrl) : parent.url;
  const delivery = { url, options: keptOptions(readHeaderLists(headers)), callerIp };
  return { parent, head: readStepHead(step), payload: Buffer.from(body), delivery };
}

function invokerOf(parent: Run, head: StepHead) {
  return {
    runKey: parent.key,
    runId: parent.runId,
    runUrl: parent.url,
    runCreatedAtMs: parent.createdAtMs,
    stepId: head.stepId,
  };
}
