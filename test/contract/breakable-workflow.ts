/** A workflow that fails while it is told to, and the API that is about failed runs. */
import type { WorkflowContext } from "@upstash/workflow";
import { WorkflowNonRetryableError } from "@upstash/workflow";
import { createWorkflow } from "@upstash/workflow/hono";
import { expect } from "vitest";
import type { TriggerOptions, WorkflowRig } from "./workflow-rig.ts";

/** Breaks at its second step while it is told to; counts what its steps do. */
export function breakable() {
  const state = { isBroken: true, calls: [] as string[] };
  const workflow = createWorkflow(async (context: WorkflowContext) => {
    const one = await context.run("one", () => {
      state.calls.push("one");
      return 1;
    });
    const two = await context.run("two", () => {
      state.calls.push("two");
      if (state.isBroken) throw new WorkflowNonRetryableError("broken");
      return one + 1;
    });
    return { two, label: context.label, user: context.headers.get("x-user"), payload: context.requestPayload };
  });
  return { state, workflow };
}

export async function failRun(rig: WorkflowRig, name: string, options: TriggerOptions = {}): Promise<string> {
  const { dlqId, workflowState } = await rig.log(await rig.run(name, options));
  expect(workflowState).toBe("RUN_FAILED");
  return dlqId ?? "";
}

export async function call(rig: WorkflowRig, method: string, path: string, headers: Record<string, string> = {}) {
  const response = await rig.qstash.call(method, `/v2/${path}`, { headers });
  const text = await response.text();
  await rig.qstash.idle();
  return { status: response.status, body: (text === "" ? {} : JSON.parse(text)) as Record<string, unknown> };
}
