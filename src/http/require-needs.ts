/** What runs of some definitions need beside what the route asks for: agents' runs the scope of agents, and tokens. */
import type { Context } from "hono";
import type { Admission } from "../engine/act-on-run.ts";
import type { AnyRunDefinition } from "../engine/run-definition.ts";
import type { RunServices } from "../wire/runs.ts";
import type { AppEnv } from "./app-env.ts";
import { identityOf, requireScope } from "./middleware/identity.ts";
import { requireTokens } from "./require-tokens.ts";

/** One round trip where the definition needs tokens and they are counted. @throws insufficient_scope, rate_limited (both refuse) */
export async function requireNeeds(
  c: Context<AppEnv>,
  { needs }: Pick<AnyRunDefinition<RunServices>, "needs">,
): Promise<void> {
  if (needs === undefined) return;
  requireScope(identityOf(c), needs.scope);
  if (needs.tokens) await requireTokens(c);
}

/** The same before a run is tried again. One of a definition that this build lacks does nothing. */
export function admitAnotherTry(c: Context<AppEnv>): Admission {
  return async ({ started }) => {
    const { engine } = await c.get("wire").runs();
    const definition = started && engine.registry.get(started.definition, started.version);
    if (definition !== undefined) await requireNeeds(c, definition);
  };
}
