import { foldRun } from "../../src/engine/fold-run.ts";
import type { Journal, RunRef } from "../../src/engine/journal.ts";
import { definitionKey } from "../../src/engine/run-definition.ts";
import { replayRun } from "../../src/engine/run-file.ts";
import { isOver, type RunStatus } from "../../src/engine/run-state.ts";
import type { BuildRuns } from "./build-runs.ts";

export interface LiveRunsReport {
  /** Runs that are not over. */
  readonly checked: number;
  readonly diverged: readonly DivergedRun[];
}

export interface DivergedRun extends RunRef {
  /** `<name>@<version>` */
  readonly definition: string;
  readonly status: RunStatus | "unknown";
  /** What the journal has where the code asks for something else; absent where no step is at fault. */
  readonly step?: string;
  /** Names both steps. */
  readonly message: string;
}

const unknownFormat = "The journal cannot be read: this build does not know its format.";
const unreadable = "The journal cannot be read here: is the key that sealed it in ENCRYPTION_KEYS?";

/** A journal may have megabytes. */
const journalsAtOnce = 10;

/** Replays the journals of all live runs against a build. Reads only. 1 billed command for each run. */
export async function checkLiveRuns(parts: {
  readonly pages: AsyncIterable<readonly RunRef[]>;
  readonly journal: Pick<Journal, "readMany">;
  readonly build: BuildRuns;
}): Promise<LiveRunsReport> {
  const seen = new Set<string>();
  const diverged: DivergedRun[] = [];
  let checked = 0;
  for await (const page of parts.pages) {
    const fresh = page.filter(({ runId }) => !seen.has(runId) && seen.add(runId));
    for (let from = 0; from < fresh.length; from += journalsAtOnce) {
      const refs = fresh.slice(from, from + journalsAtOnce);
      const journals = await parts.journal.readMany(refs);
      for (const [index, ref] of refs.entries()) {
        const verdict = await checkRun(parts.build, ref, journals[index]);
        if (verdict !== "over") checked += 1;
        if (typeof verdict === "object") diverged.push(verdict);
      }
    }
  }
  return { checked, diverged };
}

async function checkRun(
  build: BuildRuns,
  ref: RunRef,
  journal: readonly string[] | undefined,
): Promise<"over" | "same" | DivergedRun> {
  const unknown = { ...ref, definition: "unknown" };
  if (journal === undefined) return { ...unknown, status: "unknown", message: unreadable };
  const { state } = foldRun(journal);
  if (journal.length === 0 || isOver(state.status)) return "over";
  if (state.started === undefined) return { ...unknown, status: state.status, message: unknownFormat };
  const outcome = await replayRun(build.registry, { ...ref, journal, services: build.services });
  if (outcome.kind === "same") return "same";
  return {
    ...ref,
    definition: definitionKey({ name: state.started.definition, version: state.started.version }),
    status: state.status,
    ...(outcome.step === undefined ? {} : { step: outcome.step }),
    message: outcome.failure.message,
  };
}
