/**
 * Which scope a route asks for, by the beginning of its path; the longest one that fits decides. `undefined`: any identity will do.
 *
 * A path that stands in no row asks for `admin`: what nobody thought of is open to nobody.
 */
import type { Scope } from "../session/scope.ts";

const scopeByPath: readonly (readonly [string, Scope | undefined])[] = [
  ["/api/chat", "chat"],
  ["/api/conversations", "chat"],
  ["/api/execute", "runs"],
  ["/api/runs", "runs"],
  ["/api/dead-letters", "runs"],
  ["/api/agents", "agents"],
  ["/api/models", "agents"],
  ["/api/tools", "tools"],
  ["/api/mcp", "tools"],
  ["/api/memory", "memory"],
  ["/api/schedules", "schedules"],
  ["/api/sessions", "account"],
  ["/api/sessions/current", undefined],
  ["/api/keys", "account"],
  // Asked for is the scope of the path that the ticket is for.
  ["/api/tickets", undefined],
];

export function scopeOf(path: string): Scope | undefined {
  const fitting = scopeByPath.filter(([start]) => path === start || path.startsWith(`${start}/`));
  const longest = fitting.toSorted(([a], [b]) => b.length - a.length)[0];
  return longest === undefined ? "admin" : longest[1];
}
