/** Starts a run for a request, and answers with what is known of it then. */
import type { Context } from "hono";
import { AppError, asAppError } from "../core/errors.ts";
import { derivedRunId, newRunId } from "../core/ids.ts";
import { limits } from "../core/limits.ts";
import type { Log } from "../core/ports.ts";
import type { RunRef } from "../engine/journal.ts";
import { definitionKey } from "../engine/run-definition.ts";
import { isOver, type RunState } from "../engine/run-state.ts";
import { viewRun } from "../engine/run-view.ts";
import { recordStart } from "../engine/start-queued.ts";
import { startInline } from "../engine/start-inline.ts";
import type { AppEnv } from "./app-env.ts";
import { readIdempotencyKey } from "./idempotency-key.ts";
import { identityOf } from "./middleware/identity.ts";
import { requireNeeds } from "./require-needs.ts";
import { revive } from "./revive.ts";
import { sameRequest, type RunRequest } from "./run-request.ts";

/**
 * 202 once the run is recorded; its first segment goes on after the answer. With `Prefer: wait=<seconds>` the answer waits so long for that segment, and is 200 when
 * the run is over by then. With `Idempotency-Key` the request may be repeated: it starts one run.
 *
 * @throws insufficient_scope, rate_limited (both refuse) where the definition needs what the caller has not.
 */
export async function startRun(c: Context<AppEnv>, request: RunRequest): Promise<Response> {
  await requireNeeds(c, request.definition);
  const { userId } = identityOf(c);
  const { engine } = await c.get("wire").runs();
  const runId = await runIdFor(c, userId);
  const ref = { userId, runId };
  if (request.executor !== undefined) return answer(c, runId, await startCarried(c, { ref, ...request }));
  const { state, segment } = await startInline(engine, { ref, ...request });
  if (segment === undefined) {
    await revive(c, ref, sameRequest(state, request));
    return answer(c, runId, state);
  }
  const ended = keepAlive(c, runId, segment);
  const waitMs = readWaitMs(c.req.header("Prefer"));
  if (waitMs > 0) await Promise.race([ended, engine.pause(waitMs, c.req.raw.signal).catch(() => undefined)]);
  return answer(c, runId, state);
}

/** Recorded, and given to the carrier if that can be reached. @throws bad_request (refuse) where nobody is there to carry it. */
async function startCarried(c: Context<AppEnv>, request: RunRequest & { readonly ref: RunRef }): Promise<RunState> {
  const { carrier, engine } = await c.get("wire").runs();
  if (carrier === undefined) {
    throw new AppError(
      "bad_request",
      "This server has no Upstash Workflow: QSTASH_TOKEN is not set, or QUEUE is fetch.",
    );
  }
  const { ref, definition } = request;
  const state = sameRequest(await recordStart(engine, request), request);
  await orBySweep(c.get("log"), ref, carrier.start({ ref, definition: definitionKey(definition) }));
  return state;
}

/**
 * Starts a run by the queue, which is told of it when it is recorded. Where the queue does not answer the sweep starts it: a client that heard of a failure would start
 * it twice.
 */
export async function orBySweep<T>(log: Log, { runId }: RunRef, start: Promise<T>): Promise<T | undefined> {
  try {
    return await start;
  } catch (thrown) {
    if (asAppError(thrown).code !== "queue_unavailable") throw thrown;
    log.warn("nobody could be told to bring a run on; the sweep starts it", { runId, cause: thrown });
    return undefined;
  }
}

/** What breaks off goes on by the queue or the sweep; here it is only logged. @returns when the segment has ended. */
export function keepAlive(c: Context<AppEnv>, runId: string, segment: Promise<unknown>): Promise<void> {
  const ended = segment.then(
    () => undefined,
    (error: unknown) => c.get("log").warn("a first segment broke off", { runId, cause: error }),
  );
  c.executionCtx.waitUntil(ended);
  return ended;
}

function answer(c: Context<AppEnv>, runId: string, state: RunState): Response {
  c.header("Location", `/api/runs/${runId}`);
  return c.json(viewRun(runId, state), isOver(state.status) ? 200 : 202);
}

async function runIdFor(c: Context<AppEnv>, userId: string): Promise<string> {
  const key = readIdempotencyKey(c);
  return key === undefined
    ? newRunId((await c.get("wire").runs()).engine.random)
    : derivedRunId(`execute ${userId} ${key}`);
}

/** Source: RFC 7240, `wait`. */
export function readWaitMs(prefer: string | undefined): number {
  const seconds = /(?:^|[,;\s])wait=(\d{1,4})/.exec(prefer ?? "")?.[1];
  return Math.min(Number(seconds ?? 0) * 1000, limits.preferWaitMsMax);
}
