import { actOnRun, type RunAct } from "../../src/engine/act-on-run.ts";
import type { RunRef } from "../../src/engine/journal.ts";
import type { World } from "./world.ts";

/** The client repeats what it got no answer to, a few times. */
export function send(world: World<any>, ref: RunRef, atMs: number, act: RunAct): void {
  async function insist(): Promise<void> {
    for (let attempt = 0; attempt < 3; attempt += 1) {
      try {
        await world.invoke(`${act.kind} of ${ref.runId}`, (engine) => actOnRun(engine, ref, act));
        return;
      } catch {
        // Nobody knows whether it had its effect.
      }
    }
  }
  world.at(atMs, `${act.kind} ${ref.runId}`, () => void insist());
}
