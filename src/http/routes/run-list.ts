import type { Context } from "hono";
import { AppError } from "../../core/errors.ts";
import { limits } from "../../core/limits.ts";
import { foldRun } from "../../engine/fold-run.ts";
import { viewRun } from "../../engine/run-view.ts";
import type { AppEnv } from "../app-env.ts";
import { identityOf } from "../middleware/identity.ts";

/** Newest first, paged by `?before=` (unix ms of a start). Outputs are left out: `GET /api/runs/:id` has them. Runs whose journal has expired leave the list. */
export async function listRuns(c: Context<AppEnv>): Promise<Response> {
  const { engine, runIndex } = c.get("wire");
  const { userId } = identityOf(c);
  const beforeMs = readBefore(c.req.query("before"));
  const listed = await runIndex.page(userId, { beforeMs, count: limits.runsPageMax });
  const journals =
    listed.length === 0 ? [] : await engine.journal.readMany(listed.map(({ runId }) => ({ userId, runId })));
  const views = listed.map(({ runId }, index) => viewRun(runId, foldRun(journals[index] ?? []).state));
  const expired = listed.filter((_run, index) => views[index] === undefined).map(({ runId }) => runId);
  if (expired.length > 0) await runIndex.remove(userId, expired);
  const last = listed.length === limits.runsPageMax ? listed.at(-1) : undefined;
  return c.json({
    runs: views.flatMap((view) => (view === undefined ? [] : [{ ...view, output: undefined }])),
    ...(last === undefined ? {} : { next: last.startedAtMs }),
  });
}

function readBefore(text: string | undefined): number {
  if (text === undefined) return Number.MAX_SAFE_INTEGER;
  if (/^\d{1,15}$/.test(text)) return Number(text);
  throw new AppError("invalid_cursor", "`before` must be a time that this list gave out.");
}
