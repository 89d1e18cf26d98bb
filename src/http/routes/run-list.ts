import type { Context } from "hono";
import { AppError } from "../../core/errors.ts";
import { limits } from "../../core/limits.ts";
import { foldRun } from "../../engine/fold-run.ts";
import type { RunCursor, RunListing } from "../../engine/journal.ts";
import { viewRun } from "../../engine/run-view.ts";
import type { AppEnv } from "../app-env.ts";
import { identityOf } from "../middleware/identity.ts";

/** Newest first, paged by `?before=`. Outputs are left out: `GET /api/runs/:id` has them. Runs whose journal has expired leave the list. */
export async function listRuns(c: Context<AppEnv>): Promise<Response> {
  const { engine, runIndex } = await c.get("wire").runs();
  const { userId } = identityOf(c);
  const cursor = readBefore(c.req.query("before"));
  const listed = await runIndex.page(userId, { ...cursor, count: limits.runsPageMax });
  const journals =
    listed.length === 0 ? [] : await engine.journal.readMany(listed.map(({ runId }) => ({ userId, runId })));
  const views = listed.map(({ runId }, index) => viewRun(runId, foldRun(journals[index] ?? []).state));
  // A journal that is there and cannot be read is left out of the answer, not of the list.
  const kept = listed.filter((_run, index) => views[index] !== undefined || journals[index] === undefined);
  const expired = listed.filter((run) => !kept.includes(run)).map(({ runId }) => runId);
  if (expired.length > 0) await runIndex.remove(userId, expired);
  const last = listed.length === limits.runsPageMax ? listed.at(-1) : undefined;
  return c.json({
    runs: views.flatMap((view) => (view === undefined ? [] : [{ ...view, output: undefined }])),
    ...(last === undefined ? {} : { next: cursorAfter(last.startedAtMs, kept, cursor) }),
  });
}

/** Many runs may start in one millisecond, so the time alone is no place in the list. Those that have just left it are none to skip. */
function cursorAfter(atMostMs: number, kept: readonly RunListing[], before: RunCursor): string {
  const seen = kept.filter(({ startedAtMs }) => startedAtMs === atMostMs).length;
  return `${atMostMs}-${seen + (before.atMostMs === atMostMs ? before.skip : 0)}`;
}

/** As `cursorAfter` writes it. */
function readBefore(text: string | undefined): RunCursor {
  if (text === undefined) return { atMostMs: Number.MAX_SAFE_INTEGER, skip: 0 };
  const match = /^(\d{1,15})-(\d{1,6})$/.exec(text);
  if (match === null) throw new AppError("invalid_cursor", "`before` must be a place that this list gave out.");
  return { atMostMs: Number(match[1]), skip: Number(match[2]) };
}
