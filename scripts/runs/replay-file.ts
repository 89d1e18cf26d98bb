/**
 * `npm run replay -- run_….json [--json]`: runs the code of this build over the journal in a run file (`GET /api/runs/:id/file`), offline.
 *
 * Exit code 0: the code goes the way of the journal. 1: it does not. 2: there is nothing to replay.
 */
import { readFileSync } from "node:fs";
import { parseArgs } from "node:util";
import * as z from "zod/mini";
import { replayRun, type ReplayOutcome } from "../../src/engine/run-file.ts";
import { buildRuns, readBindings } from "./build-runs.ts";

const RunFileText = z.object({
  format: z.literal("skipstone-run"),
  formatVersion: z.literal(1),
  journal: z.array(z.string()).check(z.minLength(1)),
  receipt: z.object({ runId: z.string() }),
});

/** No user owns a file. */
const nobody = "usr_00000000000000000000000000000000";

try {
  const { positionals, values } = parseArgs({
    allowPositionals: true,
    options: { json: { type: "boolean", default: false } },
  });
  const [path, ...more] = positionals;
  if (path === undefined || more.length > 0) throw new Error("Usage: npm run replay -- <run file> [--json]");
  const { journal, receipt } = readRunFile(path);
  const { runId } = receipt;
  const { registry, services } = await buildRuns(readBindings());
  const outcome = await replayRun(registry, { runId, userId: nobody, journal, services });
  const inWords = `${runId}, ${journal.length} entries: ${describe(outcome)}`;
  console.log(values.json ? JSON.stringify({ runId, ...outcome }, undefined, 2) : inWords);
  process.exitCode = outcome.kind === "same" ? 0 : 1;
} catch (error) {
  console.error(error instanceof Error ? error.message : String(error));
  process.exitCode = 2;
}

/** @throws Error in words for anything that is no run file. */
function readRunFile(path: string): z.infer<typeof RunFileText> {
  let content: unknown;
  try {
    content = JSON.parse(readFileSync(path, "utf8"));
  } catch (cause) {
    throw new Error(`${path} cannot be read: ${cause instanceof Error ? cause.message : String(cause)}`, { cause });
  }
  const file = RunFileText.safeParse(content);
  if (!file.success) throw new Error(`${path} is no run file of a format that this build knows.`);
  return file.data;
}

function describe(outcome: ReplayOutcome): string {
  if (outcome.kind === "diverged") return outcome.failure.message;
  const next = outcome.next === undefined ? "there is no step after them" : `the next step is "${outcome.next}"`;
  return `the code goes the same way, and ${next}.`;
}
