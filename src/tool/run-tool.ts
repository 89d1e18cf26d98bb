/**
 * Runs one tool call. Whatever goes wrong comes back in words, for the model to read and do better: an unknown tool, one that the caller may not use,
 * arguments that are no JSON or do not fit, a tool that throws, takes too long, or answers too much. It never throws.
 *
 * R1 Nothing of a tool runs before the caller's grant, the input and the approval have been checked, in this order.
 * R2 A tool that acts runs through the ledger: repeated, the call answers with its first result. Where the ledger cannot be asked it does not run.
 */
import { asAppError, errorCatalogue } from "../core/errors.ts";
import { attemptTool } from "./attempt-tool.ts";
import type { CallContext } from "./call-context.ts";
import { checkCall, type ToolCall } from "./check-call.ts";
import { idempotencyKeyOf } from "./idempotency-key.ts";
import type { ToolRegistry } from "./registry.ts";
import type { ToolFailure } from "./tool-failure.ts";
import { guarded } from "./tool-guard.ts";
import { once } from "./tool-ledger.ts";
import type { AnyTool, ToolContext, ToolResult } from "./tool.ts";

export async function runTool<Services>(
  registry: ToolRegistry<Services>,
  call: ToolCall,
  given: CallContext<Services>,
): Promise<ToolResult> {
  const { runId } = given;
  const context = runId === undefined ? given : { ...given, log: given.log.with({ runId }) };
  try {
    const checked = checkCall(registry, call, context.grant);
    if (checked.kind === "failed") return checked;
    if (checked.needsApproval && !context.isApproved) return unapproved(call);
    return await execute(checked.tool, checked.input, context);
  } catch (thrown) {
    const error = asAppError(thrown);
    context.log.error("a tool could not be run", { tool: call.name, error });
    const code = error.disposition === "retry" ? "unavailable" : "broken";
    const errorText = `The tool ${call.name} could not be run: ${errorCatalogue[error.code].publicText}`;
    return { kind: "failed", code, errorText };
  }
}

async function execute<Services>(
  tool: AnyTool<Services>,
  input: unknown,
  context: CallContext<Services>,
): Promise<ToolResult> {
  const { userId } = context;
  const idempotencyKey = await idempotencyKeyOf(context.callKey, tool.name, input);
  const toolContext = toolContextOf(context, idempotencyKey);
  const attempt = (): Promise<ToolResult> => guarded(context, tool, () => attemptTool(tool, input, toolContext));
  if (tool.effect === "read") return attempt();
  return once({ ...context, ref: { userId, key: idempotencyKey } }, tool, attempt);
}

/** What a tool gets of its caller: not the ledger, and nothing to decide about its own rights. */
export function toolContextOf<Services>(context: CallContext<Services>, idempotencyKey: string): ToolContext<Services> {
  const { userId, agentId, conversationId, runId, clock, pause, log, signal, services } = context;
  return { userId, agentId, conversationId, runId, idempotencyKey, clock, pause, log, signal, services };
}

function unapproved({ name }: ToolCall): ToolFailure {
  const errorText = `A call of ${name} needs the approval of a person, which nobody has given.`;
  return { kind: "failed", code: "needs_approval", errorText };
}
