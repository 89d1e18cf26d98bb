import { invariant } from "../core/ports.ts";
import type { AnyTool, ToolEffect } from "./tool.ts";
import { mayUse, type ToolGrant } from "./tool-grant.ts";

export interface ToolDescription {
  readonly name: string;
  readonly description: string;
  /** JSON Schema of the input, as a model and the console read it. */
  readonly inputSchema: Record<string, unknown>;
  readonly effect: ToolEffect;
  readonly scopes: readonly string[];
  readonly approval: AnyTool["approval"];
}

export interface ToolRegistry<Services = never> {
  get(name: string): AnyTool<Services> | undefined;
  /** Names in the order in which the tools were given. */
  names(grant?: ToolGrant): readonly string[];
  /** The same tools as `names`. What a caller may not use, for lack of a scope too, is not shown to it. */
  describe(grant?: ToolGrant): readonly ToolDescription[];
}

/** @throws internal (park) when two tools have one name. */
export function createToolRegistry<Services>(tools: readonly AnyTool<Services>[]): ToolRegistry<Services> {
  const byName = new Map(tools.map((tool) => [tool.name, tool]));
  invariant(byName.size === tools.length, "each tool has a name of its own");
  let descriptions: readonly ToolDescription[] | undefined;

  function names(grant?: ToolGrant): readonly string[] {
    return tools.filter((tool) => grant === undefined || mayUse(grant, tool)).map(({ name }) => name);
  }

  return {
    get: (name) => byName.get(name),
    names,
    describe(grant) {
      const shown = new Set(names(grant));
      return (descriptions ??= tools.map(describeTool)).filter(({ name }) => shown.has(name));
    },
  };
}

function describeTool(tool: AnyTool): ToolDescription {
  const { name, description, effect, scopes, approval } = tool;
  return { name, description, inputSchema: tool.inputSchema(), effect, scopes, approval };
}
