import { isRecord } from "./chat-request.ts";
import type { OfferedTool } from "./chat-request.ts";
import { callWith } from "./choose-tools.ts";
import type { PlannedCall } from "./reply.ts";

/**
 * The call for a message that names a tool outright: "use the send_invoice tool", "call send-invoice with {"amount": 3}".
 * Undefined when no offered tool is named together with such a verb.
 */
export function namedToolCall(text: string, tools: OfferedTool[]): PlannedCall | undefined {
  if (!/\b(?:use|call|run|try|invoke)\b/i.test(text)) return undefined;
  const plain = text.replaceAll(/[-_]/g, " ").toLowerCase();
  const tool = tools.find(({ name }) => {
    const spoken = name.replaceAll(/[-_]/g, " ").toLowerCase();
    return new RegExp(`\\b(?:use|call|run|try|invoke)\\s+(?:the\\s+)?${spoken}\\b`).test(plain);
  });
  const given = jsonIn(text);
  // A tool that is named without its arguments is better served by what the sentence means, if it means something.
  if (tool === undefined || (given === undefined && requiresArguments(tool) && /\d/.test(text))) return undefined;
  return callWith(tool, given ?? {}, text);
}

function requiresArguments(tool: OfferedTool): boolean {
  return Array.isArray(tool.parameters["required"]) && tool.parameters["required"].length > 0;
}

function jsonIn(text: string): Record<string, unknown> | undefined {
  const from = text.indexOf("{");
  const to = text.lastIndexOf("}");
  if (from < 0 || to < from) return undefined;
  try {
    const value = JSON.parse(text.slice(from, to + 1)) as unknown;
    return isRecord(value) ? value : undefined;
  } catch {
    return undefined;
  }
}
