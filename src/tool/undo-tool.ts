import type { CallContext } from "./call-context.ts";
import { checkCall, type ToolCall } from "./check-call.ts";
import { fullGrant } from "./tool-grant.ts";
import { idempotencyKeyOf } from "./idempotency-key.ts";
import type { ToolRegistry } from "./registry.ts";
import { toolContextOf } from "./run-tool.ts";

/**
 * Undoes a call that was made and answered `output`, if its tool can. May be repeated: the tool gets the same key each time.
 * It is no new act of the caller's, so no grant, approval or limit stands before it.
 * @throws what the tool throws; then it is not undone.
 */
export async function undoTool<Services>(
  registry: ToolRegistry<Services>,
  call: ToolCall & { readonly output: unknown },
  context: CallContext<Services>,
): Promise<void> {
  const checked = checkCall(registry, call, fullGrant);
  if (checked.kind === "failed" || checked.tool.undo === undefined) return;
  const { tool, input } = checked;
  const idempotencyKey = await idempotencyKeyOf(context.callKey, `undo ${tool.name}`, input);
  await tool.undo?.(toolContextOf(context, idempotencyKey), input, call.output);
}
