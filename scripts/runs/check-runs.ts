/**
 * `npm run check:runs [-- --json] [--file .dev.vars.production]`: would this build take every live run on the way that its journal went? To be asked before a deploy; reads only.
 * Where neither the environment nor `.dev.vars` names a Redis it is the one that `npm start` runs, and that is said.
 *
 * Exit code 0: all of them. 1: some would diverge, and are listed. 2: it could not be found out.
 */
import { parseArgs } from "node:util";
import { upstashLiveRuns } from "../../src/upstash/due-registry.ts";
import { upstashJournal } from "../../src/upstash/journal.ts";
import { createAdapters } from "../../src/wire/adapters.ts";
import { buildRuns, quietInvocation, readLiveBindings } from "./build-runs.ts";
import { checkLiveRuns, type LiveRunsReport } from "./check-live-runs.ts";

try {
  const { values } = parseArgs({ options: { json: { type: "boolean", default: false }, file: { type: "string" } } });
  const report = await check(values.file);
  console.log(values.json ? JSON.stringify(report, undefined, 2) : inWords(report));
  process.exitCode = report.diverged.length === 0 ? 0 : 1;
} catch (error) {
  console.error(error instanceof Error ? error.message : String(error));
  process.exitCode = 2;
}

async function check(file?: string): Promise<LiveRunsReport> {
  const { bindings, isOfNpmStart } = readLiveBindings({ file });
  // Not among the results, which may be for a program.
  if (isOfNpmStart) console.error("The runs are those of npm start on this machine; -- --file names another Redis.");
  const { redis, clock } = createAdapters(quietInvocation(bindings));
  return checkLiveRuns({
    pages: upstashLiveRuns(redis),
    journal: upstashJournal(redis, clock),
    build: await buildRuns(bindings),
  });
}

function inWords({ checked, diverged }: LiveRunsReport): string {
  const lines = diverged.map(
    ({ runId, userId, definition, status, message }) => `${runId} of ${userId}, ${definition}, ${status}: ${message}`,
  );
  const last =
    diverged.length === 0
      ? `${checked} live runs, and this build goes the way of each.`
      : `${diverged.length} of ${checked} live runs would be parked by this build. Give what has changed a new version, and leave the old one in the registry.`;
  return [...lines, last].join("\n");
}
