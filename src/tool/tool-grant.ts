/** What a caller may do with tools: an agent instance, an API key, a person's session. It holds whatever a model or a tool's output says. */
import type { AnyTool } from "./tool.ts";

export interface ToolGrant {
  /** Names of the tools; `all` where scopes alone decide. */
  readonly tools: readonly string[] | "all";
  /** Such as `web:read`; `web:*` is all that begin so, `*` is every scope. */
  readonly scopes: readonly string[];
}

/** Whether a grant may hold it: `*`, `web:*` or `web:read`. */
export function isToolScope(value: unknown): value is string {
  return typeof value === "string" && /^(?:\*|[a-z][a-z-]{0,31}:(?:\*|[a-z][a-z-]{0,31}))$/.test(value);
}

/** What the owner of a session may do. */
export const fullGrant: ToolGrant = { tools: "all", scopes: ["*"] };

/** The scopes that the tool needs and the caller lacks. */
export function missingScopes(grant: ToolGrant, { scopes }: Pick<AnyTool, "scopes">): readonly string[] {
  return scopes.filter((scope) => !grant.scopes.some((granted) => covers(granted, scope)));
}

/** Whether the caller may use the tool, and so may know of it. */
export function mayUse(grant: ToolGrant, tool: Pick<AnyTool, "name" | "scopes">): boolean {
  return (grant.tools === "all" || grant.tools.includes(tool.name)) && missingScopes(grant, tool).length === 0;
}

function covers(granted: string, scope: string): boolean {
  if (granted === "*" || granted === scope) return true;
  return granted.endsWith(":*") && scope.startsWith(granted.slice(0, -1));
}
