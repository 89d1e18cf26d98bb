import * as z from "zod/mini";
import { limits } from "../core/limits.ts";
import type { JsonValue } from "../core/json.ts";
import { RunFailed } from "../engine/failures.ts";
import type { RunContext, StepContext } from "../engine/run-context.ts";
import { defineRun } from "../engine/run-definition.ts";
import type { ToolResult } from "../tool/tool.ts";
import { toolRunName } from "./schedule.ts";

/** Calls a tool in the name of its user. A failing tool is an answer, not an exception. */
export interface ToolRunServices {
  readonly runTool: (
    call: { readonly name: string; readonly argumentsJson: string },
    userId: string,
    step: StepContext,
  ) => Promise<ToolResult>;
}

const ToolRunInput = z.object({ name: z.string().check(z.maxLength(64)), parameters: z.unknown() });

/** One tool, called by itself: its answer is the run's, and a tool that fails fails the run in words. */
export const toolRun = defineRun({
  name: toolRunName,
  version: 1,
  isInternal: true,
  needs: { scope: "tools", tokens: false },
  input: ToolRunInput,
  async run(ctx: RunContext<ToolRunServices>, { name, parameters }): Promise<JsonValue> {
    const call = { name, argumentsJson: JSON.stringify(parameters ?? {}) };
    const result = await ctx.step("tool", (step) => ctx.services.runTool(call, ctx.userId, step), {
      retries: 0,
      timeout: limits.toolStepMsMax,
    });
    if (result.kind === "failed") throw new RunFailed(result.errorText, { code: "tool_failed" });
    return (result.output ?? null) as JsonValue;
  },
});
