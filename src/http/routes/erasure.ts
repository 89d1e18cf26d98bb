/** Erasing everything of the caller's, and the report of it. */
import type { Context } from "hono";
import { AppError } from "../../core/errors.ts";
import { isRunId, newRunId, ownerOfErasure } from "../../core/ids.ts";
import { limits } from "../../core/limits.ts";
import { foldRun } from "../../engine/fold-run.ts";
import type { RunRef } from "../../engine/journal.ts";
import type { RunState } from "../../engine/run-state.ts";
import { startInline } from "../../engine/start-inline.ts";
import { Erasure, erasureSlot, eraseUser } from "../../memory/erase-user.ts";
import type { AppEnv } from "../app-env.ts";
import { identityOf } from "../middleware/identity.ts";
import { clearSessionCookie } from "../session-cookie.ts";
import { keepAlive } from "../start-run.ts";

/** 202 with the report as far as it goes; its id, which nobody can guess, is all that one needs to read on. The session is gone by then. */
export async function eraseMine(c: Context<AppEnv>): Promise<Response> {
  const { userId } = identityOf(c);
  const { engine, runIndex } = await c.get("wire").runs();
  const ref = refOf(newRunId(engine.random));
  const { segment } = await startInline(engine, { ref, definition: eraseUser, input: { userId } });
  // It stands in nobody's list.
  await runIndex.remove(ref.userId, [ref.runId]);
  const ended = keepAlive(c, ref.runId, segment ?? Promise.resolve());
  await Promise.race([ended, engine.pause(limits.eraseAnswerMsMax, c.req.raw.signal).catch(() => undefined)]);
  clearSessionCookie(c);
  c.header("Location", `/api/memory/erasures/${ref.runId}`);
  return c.json(await report(c, ref), 202);
}

export async function getErasure(c: Context<AppEnv>): Promise<Response> {
  const erasureId = c.req.param("erasureId");
  if (!isRunId(erasureId)) throw notFound();
  return c.json(await report(c, refOf(erasureId)));
}

/** The run of an erasure belongs to a user whom nobody is. */
function refOf(erasureId: string): RunRef {
  return { userId: ownerOfErasure(erasureId), runId: erasureId };
}

async function report(c: Context<AppEnv>, ref: RunRef) {
  const { engine } = await c.get("wire").runs();
  const { state } = foldRun(await engine.journal.read(ref, 0));
  if (state.started === undefined) throw notFound();
  const { erased, looks } = progressOf(state);
  return {
    erasureId: ref.runId,
    status: statusOf(state),
    startedAt: state.startedAt,
    updatedAt: state.lastAt,
    erased,
    looks,
  };
}

function progressOf({ output, memory }: RunState): Erasure {
  const known = Erasure.safeParse(output ?? memory.values.get(erasureSlot.key));
  return known.success ? known.data : { erased: {}, looks: [] };
}

/** One that failed or is parked waits for an operator; the log has told of it. */
function statusOf({ status }: RunState): "erased" | "erasing" | "stuck" {
  if (status === "completed") return "erased";
  return status === "failed" || status === "parked" || status === "cancelled" ? "stuck" : "erasing";
}

function notFound(): AppError {
  return new AppError("not_found", "There is no such erasure.");
}
