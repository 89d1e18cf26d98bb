import { canonicalJson } from "../core/json.ts";
import { sha256Hex } from "../core/sha256.ts";

/**
 * The key of a call: from what names it (run and step), the tool and its input. So a step that is repeated has the key that it had, and one
 * whose input a person has changed meanwhile has another.
 */
export async function idempotencyKeyOf(callKey: string, tool: string, input: unknown): Promise<string> {
  return `tool_${(await sha256Hex(canonicalJson([callKey, tool, input]))).slice(0, 40)}`;
}
