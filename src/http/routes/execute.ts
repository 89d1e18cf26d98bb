/** Starts a run of a definition by name. */
import { Hono, type Context } from "hono";
import * as z from "zod/mini";
import { AppError } from "../../core/errors.ts";
import { clientIdPattern, derivedRunId, newRunId } from "../../core/ids.ts";
import { limits } from "../../core/limits.ts";
import { isOver, type RunState } from "../../engine/run-state.ts";
import { viewRun } from "../../engine/run-view.ts";
import { startInline } from "../../engine/start-inline.ts";
import type { AppEnv } from "../app-env.ts";
import { identityOf, requireIdentity } from "../middleware/identity.ts";
import { invalidBody, readJson } from "../read-json.ts";
import { revive } from "../revive.ts";

const Start = z.strictObject({
  name: z.string().check(z.minLength(1), z.maxLength(64)),
  version: z.optional(z.int().check(z.gte(1))),
  input: z.optional(z.unknown()),
  conversationId: z.optional(z.string().check(z.regex(clientIdPattern))),
});

/** Mounted at `/api/execute`. */
export function executeRoutes() {
  return new Hono<AppEnv>().post("/", requireIdentity(), execute);
}

/**
 * 202 once the run is recorded; its first segment goes on after the answer. With `Prefer: wait=<seconds>` the answer waits so long for that segment, and is 200 when
 * the run is over by then. With `Idempotency-Key` the request may be repeated: it starts one run.
 */
async function execute(c: Context<AppEnv>): Promise<Response> {
  const { userId } = identityOf(c);
  const { engine } = c.get("wire");
  const body = await readJson(c, Start, { bytesMax: limits.runInputBytesMax });
  const { name, version, conversationId } = body;
  const definition = engine.registry.get(name, version);
  if (definition === undefined) throw unknownDefinition(name, version);
  const input = z.safeParse(definition.input, body.input ?? {});
  if (!input.success) throw invalidBody(input.error.issues, "/input");
  const runId = await runIdFor(c, userId);
  const ofConversation = conversationId === undefined ? {} : { conversationId };
  const request = { ref: { userId, runId }, definition, input: input.data, ...ofConversation };
  const { state, segment } = await startInline(engine, request);
  if (segment === undefined) {
    await revive(c, request.ref, sameRequest(state, name, input.data));
    return answer(c, runId, state);
  }
  // What breaks off goes on by the queue or the sweep; here it is only logged.
  const logged = segment.then(
    () => undefined,
    (error: unknown) => c.get("log").warn("a first segment broke off", { runId, cause: error }),
  );
  c.executionCtx.waitUntil(logged);
  const waitMs = readWaitMs(c.req.header("Prefer"));
  if (waitMs > 0) await Promise.race([logged, engine.pause(waitMs, c.req.raw.signal).catch(() => undefined)]);
  return answer(c, runId, state);
}

function answer(c: Context<AppEnv>, runId: string, state: RunState): Response {
  c.header("Location", `/api/runs/${runId}`);
  return c.json(viewRun(runId, state), isOver(state.status) ? 200 : 202);
}

/** @throws run_refused (refuse) when the key belongs to another request. */
function sameRequest(state: RunState, name: string, input: unknown): RunState {
  const { started } = state;
  if (started?.definition === name && JSON.stringify(started.input) === JSON.stringify(input)) return state;
  throw new AppError("run_refused", "This Idempotency-Key was used for another request.");
}

function unknownDefinition(name: string, version: number | undefined): AppError {
  const what = version === undefined ? `run named "${name}"` : `version ${version} of a run named "${name}"`;
  return new AppError("unknown_definition", `There is no ${what} here.`);
}

const keyPattern = /^[\x21-\x7e]{1,255}$/;

async function runIdFor(c: Context<AppEnv>, userId: string): Promise<string> {
  const key = c.req.header("Idempotency-Key");
  if (key === undefined) return newRunId(c.get("wire").engine.random);
  if (!keyPattern.test(key)) {
    throw new AppError("bad_request", "Idempotency-Key must have 1 to 255 visible ASCII characters.");
  }
  return derivedRunId(`execute ${userId} ${key}`);
}

/** Source: RFC 7240, `wait`. */
function readWaitMs(prefer: string | undefined): number {
  const seconds = /(?:^|[,;\s])wait=(\d{1,4})/.exec(prefer ?? "")?.[1];
  return Math.min(Number(seconds ?? 0) * 1000, limits.preferWaitMsMax);
}
