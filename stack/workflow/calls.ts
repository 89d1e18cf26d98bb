/** `context.call`: QStash asks a third party, and tells the endpoint what it answered. Source: protocol document, C.5. */
import { ApiError } from "../qstash/api-error.ts";
import { callbackBody, type Ending } from "../qstash/callbacks.ts";
import type { PublishRequest } from "../qstash/publish.ts";
import type { Options } from "../qstash/publish-options.ts";
import { isRunning, type CallWork, type Run, type StepHead } from "./run.ts";
import type { RunMessages } from "./run-messages.ts";
import { shownOptions } from "./run-options.ts";
import { openStepId, type RunStore } from "./run-store.ts";
import { readStepHead } from "./step-body.ts";

export interface Calls {
  /** Sends the request of a call; nothing is appended to the run. Returns its message id. @throws ApiError 400 or 412 */
  begin(run: Run, request: PublishRequest): string;
  /** The third party has answered, or will not: the endpoint is told, and submits the result. */
  conclude(run: Run, stepId: number, ending: Ending): void;
}

export function createCalls(o: { store: RunStore; messages: RunMessages }): Calls {
  return {
    begin(run, { destination: url, options, body, callerIp }) {
      const head = readCallHead(options);
      const message = o.messages.plan({
        run,
        role: { kind: "call", stepId: head.stepId },
        url,
        options: { ...shownOptions(run.options), ...options },
        body,
        callerIp,
      });
      if (message.callback === undefined) throw new ApiError(400, "a call of a workflow run needs Upstash-Callback");
      const { messageId, method, header, maxRetries, createdAtMs } = message;
      const work: CallWork = { kind: "call", messageId, url, method, header, body, maxRetries, isReturning: false };
      o.store.openSteps.put({ runKey: run.key, head, state: "STEP_PROGRESS", createdAtMs, work });
      o.messages.send(message);
      return messageId;
    },
    conclude(run, stepId, ending) {
      const { callback, callerIp } = ending.message;
      if (!isRunning(run) || callback === undefined) return;
      const message = o.messages.plan({
        run,
        role: { kind: "call-result", stepId },
        url: callback.url,
        options: { ...run.options, ...callback.options },
        header: run.header,
        body: Buffer.from(JSON.stringify(callbackBody(ending))),
        callerIp,
      });
      const open = o.store.openSteps.get(openStepId(run.key, stepId));
      if (open?.work.kind === "call") o.store.openSteps.put({ ...open, work: { ...open.work, isReturning: true } });
      o.messages.send(message);
    },
  };
}

/** All that is known of the step is what the callback will forward to the endpoint. */
function readCallHead(options: Options): StepHead {
  const forwarded = (name: string) => options[`upstash-callback-forward-upstash-workflow-${name}`];
  return readStepHead({
    stepId: Number(forwarded("stepid") ?? Number.NaN),
    stepName: forwarded("stepname"),
    stepType: forwarded("steptype"),
    concurrent: Number(forwarded("concurrent") ?? Number.NaN),
  });
}
