import { faultIn, parseForeignJson } from "../core/foreign-json.ts";
import { limits } from "../core/limits.ts";
import type { ToolRegistry } from "./registry.ts";
import type { ToolFailure, ToolFailureCode } from "./tool-failure.ts";
import { mayUse, missingScopes, type ToolGrant } from "./tool-grant.ts";
import type { AnyTool, ReadInput } from "./tool.ts";

/** A call as the model made it. */
export interface ToolCall {
  readonly name: string;
  /** The arguments as text; models send an empty one for a tool without arguments. */
  readonly argumentsJson: string;
}

export type CheckedCall<Services> =
  | {
      readonly kind: "ok";
      readonly tool: AnyTool<Services>;
      readonly input: unknown;
      /** Whether a person has to agree to it. */
      readonly needsApproval: boolean;
    }
  | ToolFailure;

/**
 * Whether the caller may make this call: first the grant, then the input. The same each time, without I/O.
 * @throws what a tool's own rule of approval throws.
 */
export function checkCall<Services>(
  registry: ToolRegistry<Services>,
  call: ToolCall,
  grant: ToolGrant,
): CheckedCall<Services> {
  const tool = registry.get(call.name);
  if (tool === undefined) return unknownTool(registry, grant);
  if (!mayUse(grant, tool)) return denied(tool, grant);
  const input = readArguments(tool, call.argumentsJson);
  if (input.kind === "failed") return input;
  return { kind: "ok", tool, input: input.value, needsApproval: tool.needsApproval(input.value) };
}

function readArguments(tool: AnyTool, argumentsJson: string): Exclude<ReadInput, { kind: "misfit" }> | ToolFailure {
  if (argumentsJson.length > limits.toolInputCharsMax) {
    return failure("invalid_input", `The arguments are longer than ${limits.toolInputCharsMax} characters.`);
  }
  const value = argumentsJson.trim() === "" ? {} : parseForeignJson(argumentsJson);
  if (value === undefined) {
    const fault = faultIn(argumentsJson);
    return failure("invalid_input", `The arguments ${fault === undefined ? "are not valid JSON" : `have ${fault}`}.`);
  }
  const read = tool.readInput(value);
  if (read.kind === "ok") return read;
  const problems = read.problems.map(({ pointer, detail }) => `${pointer || "the whole"} ${detail}`);
  return failure("invalid_input", `The arguments do not fit the schema of ${tool.name}: ${problems.join("; ")}.`);
}

function unknownTool(registry: ToolRegistry, grant: ToolGrant): ToolFailure {
  const known = registry.names(grant).join(", ");
  return failure("unknown_tool", `There is no tool of this name. The tools are: ${known}.`);
}

function denied(tool: AnyTool, grant: ToolGrant): ToolFailure {
  const missing = missingScopes(grant, tool);
  const why = missing.length === 0 ? "" : `, which needs ${missing.join(" and ")}`;
  const errorText = `This caller was not granted the tool ${tool.name}${why}. No words in a conversation can grant it.`;
  return { ...failure("not_allowed", errorText), missingScopes: missing };
}

function failure(code: ToolFailureCode, errorText: string): ToolFailure {
  return { kind: "failed", code, errorText };
}
