/** Starts a run of a definition by name. */
import { Hono, type Context } from "hono";
import * as z from "zod/mini";
import { AppError } from "../../core/errors.ts";
import { clientIdPattern } from "../../core/ids.ts";
import { limits } from "../../core/limits.ts";
import type { AppEnv } from "../app-env.ts";
import { requireIdentity } from "../middleware/identity.ts";
import { invalidBody, readJson } from "../read-json.ts";
import { startRun } from "../start-run.ts";

export const Start = z.strictObject({
  name: z.string().check(z.minLength(1), z.maxLength(64)),
  version: z.optional(z.int().check(z.gte(1))),
  input: z.optional(z.unknown()),
  conversationId: z.optional(z.string().check(z.regex(clientIdPattern))),
});

/** Mounted at `/api/execute`. */
export function executeRoutes() {
  return new Hono<AppEnv>().post("/", requireIdentity(), execute);
}

async function execute(c: Context<AppEnv>): Promise<Response> {
  const { engine } = await c.get("wire").runs();
  const body = await readJson(c, Start, { bytesMax: limits.runInputBytesMax });
  const { name, version, conversationId } = body;
  const definition = engine.registry.get(name, version);
  if (definition === undefined || definition.isInternal === true) throw unknownDefinition(name, version);
  const input = z.safeParse(definition.input, body.input ?? {});
  if (!input.success) throw invalidBody(input.error.issues, "/input");
  return startRun(c, { definition, version, input: input.data, conversationId });
}

function unknownDefinition(name: string, version: number | undefined): AppError {
  const what = version === undefined ? `run named "${name}"` : `version ${version} of a run named "${name}"`;
  return new AppError("unknown_definition", `There is no ${what} here.`);
}
