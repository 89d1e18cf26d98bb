/** The registered tools as the runs of one agent call them. */
import { RetryAfterError } from "../../engine/failures.ts";
import type { ToolParts } from "../../tool/call-context.ts";
import { checkCall, type ToolCall } from "../../tool/check-call.ts";
import type { ToolRegistry } from "../../tool/registry.ts";
import { runTool } from "../../tool/run-tool.ts";
import { isPassing } from "../../tool/tool-failure.ts";
import type { ToolGrant } from "../../tool/tool-grant.ts";
import { undoTool } from "../../tool/undo-tool.ts";
import type { Actor, AgentToolCall, AgentTools } from "./agent-services.ts";

export function registryTools<Services>(
  registry: ToolRegistry<Services>,
  parts: ToolParts<Services>,
  grant: ToolGrant,
): AgentTools {
  function contextOf(actor: Actor, { idempotencyKey, signal }: Parameters<AgentTools["run"]>[2]) {
    // Nothing gets here that needs a person's word and has not got it: the run asks before it makes the step.
    return { ...parts, ...actor, grant, callKey: idempotencyKey, isApproved: true, signal };
  }

  return {
    describe: () => registry.describe(grant),
    problemOf(call, { isComplete }) {
      const checked = checkCall(registry, toolCall(call), grant);
      if (checked.kind === "ok" || (checked.code === "invalid_input" && !isComplete)) return undefined;
      return checked.errorText;
    },
    needsApproval(call) {
      const checked = checkCall(registry, toolCall(call), grant);
      return checked.kind === "ok" && checked.needsApproval;
    },
    isReading: (name) => registry.get(name)?.effect === "read",
    retriesOf: () => stepRetries,
    async run(call, actor, step) {
      const result = await runTool(registry, toolCall(call), contextOf(actor, step));
      if (result.kind === "ok" || !isPassing(result)) return result;
      // Makes the engine try the step again; when it has tried often enough, the model reads the words.
      throw new RetryAfterError(result.errorText, { retryAfterMs: result.retryAfterMs });
    },
    undoOf(name) {
      if (registry.get(name)?.undo === undefined) return undefined;
      return (call, actor, step) => {
        const done = { ...toolCall(call), output: call.output };
        return undoTool(registry, done, contextOf(actor, step));
      };
    },
  };
}

/** Of a step, beside the tool's own, which are quick: what a tool needs may be away for some seconds. */
const stepRetries = 2;

function toolCall({ name, parameters }: AgentToolCall): ToolCall {
  return { name, argumentsJson: JSON.stringify(parameters ?? {}) };
}
