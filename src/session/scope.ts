/** What an identity may be used for. A route asks for one of them, see `http/route-scope.ts`. */
export const scopes = ["chat", "runs", "agents", "tools", "memory", "schedules", "account", "admin"] as const;

export type Scope = (typeof scopes)[number];

/** What a user has who came by themselves: everything that is theirs, and nothing of the operators'. */
export const userScopes: readonly Scope[] = scopes.filter((scope) => scope !== "admin");

export function isScope(value: unknown): value is Scope {
  return (scopes as readonly unknown[]).includes(value);
}
