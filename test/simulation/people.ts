/** The people of a simulated world: they help runs that are parked or paused, retry some that failed, and fork some. */
import type { RunAct } from "../../src/engine/act-on-run.ts";
import { forkRun } from "../../src/engine/fork-run.ts";
import type { RunRef } from "../../src/engine/journal.ts";
import type { AnyRunDefinition } from "../../src/engine/run-definition.ts";
import { isOver, type RunState } from "../../src/engine/run-state.ts";
import type { Chance } from "./chance.ts";
import type { RunRecord } from "./record.ts";
import { send } from "./send.ts";
import type { World } from "./world.ts";

export interface PeopleParts {
  readonly world: World<any>;
  readonly chance: Chance;
  readonly runs: ReadonlyMap<string, RunRecord>;
  /** Some runs of it are forked; none without it. */
  readonly definition?: AnyRunDefinition<any>;
}

export interface People {
  /** Whether every run has ended, and nobody wants anything of it any more. Asked when the world is at rest for a moment. */
  isAllOver(refs: readonly RunRef[]): boolean;
}

export function createPeople({ world, chance, runs, definition }: PeopleParts): People {
  /** How often each run was helped. */
  const helped = new Map<string, number>();
  const looked = new Set<string>();

  function help(ref: RunRef, state: RunState): void {
    const times = helped.get(ref.runId) ?? 0;
    helped.set(ref.runId, times + 1);
    send(world, ref, world.now() + chance.between(0, 60_000), helpFor(state, times));
  }

  function helpFor({ status, undoing, parked }: RunState, times: number): RunAct {
    if (status === "paused") return { kind: "resume" };
    if (undoing !== undefined) return { kind: times % 2 === 0 ? "retry" : "resume" };
    // In a dry run the same step would stop it again.
    if (parked?.failure.code === "dry_run" || times > 5) return { kind: "cancel", reason: "given up", isUndoing: true };
    return { kind: chance.pick(["resume", "resume", "retry", "compensate"] as const) };
  }

  /** Once for each run that is over. */
  function lookAtEnd(ref: RunRef, state: RunState): void {
    if (looked.has(ref.runId)) return;
    looked.add(ref.runId);
    if (state.status === "failed" && chance.happens(0.4)) {
      send(world, ref, world.now() + chance.between(0, 120_000), { kind: "retry" });
    }
    if (chance.happens(0.1)) fork(ref, state);
  }

  function fork(source: RunRef, state: RunState): void {
    const ref = { userId: source.userId, runId: `${source.runId}-fork` };
    if (definition === undefined || runs.has(ref.runId) || source.runId.endsWith("-fork")) return;
    const forward = state.settled.slice(0, state.undoing?.forwardSteps).length;
    const request = { source, ref, definition, steps: chance.between(0, forward), isDry: chance.happens(0.3) };
    world.at(world.now() + 1_000, `fork ${source.runId}`, () => {
      world.invoke(`fork of ${source.runId}`, (engine) => forkRun(engine, request)).catch(() => undefined);
    });
  }

  return {
    isAllOver(refs) {
      if (refs.some(({ runId }) => runs.get(runId)?.state.started === undefined)) return false;
      for (const { ref, state } of runs.values()) {
        if (isOver(state.status)) lookAtEnd(ref, state);
        else if ((state.status === "parked" || state.status === "paused") && !world.isAbout(ref.runId))
          help(ref, state);
      }
      return [...runs.values()].every(({ state }) => isOver(state.status));
    },
  };
}
