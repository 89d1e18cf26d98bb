import * as z from "zod/mini";
import { invariant } from "../core/ports.ts";
import type { AnyTool, ToolEffect } from "./tool.ts";

export interface ToolDescription {
  readonly name: string;
  readonly description: string;
  /** JSON Schema of the input, as a model and the console read it. */
  readonly inputSchema: Record<string, unknown>;
  readonly effect: ToolEffect;
}

export interface ToolRegistry {
  get(name: string): AnyTool | undefined;
  /** All tools in the order in which they were given. */
  describe(): readonly ToolDescription[];
}

/** @throws internal (park) when two tools have one name. */
export function createToolRegistry(tools: readonly AnyTool[]): ToolRegistry {
  const byName = new Map(tools.map((tool) => [tool.name, tool]));
  invariant(byName.size === tools.length, "each tool has a name of its own");
  let descriptions: readonly ToolDescription[] | undefined;
  return {
    get: (name) => byName.get(name),
    describe: () => (descriptions ??= tools.map(describeTool)),
  };
}

function describeTool({ name, description, input, effect }: AnyTool): ToolDescription {
  const { $schema: _dialect, ...inputSchema } = z.toJSONSchema(input, { io: "input" });
  return { name, description, inputSchema, effect };
}
