import type { RunRef } from "../../src/engine/journal.ts";
import type { People } from "./people.ts";
import type { Readers } from "./readers.ts";
import type { Watch } from "./watch.ts";
import type { World } from "./world.ts";

export interface WatchedWorld {
  readonly world: World<any>;
  readonly watch: Watch;
  readonly people: People;
  readonly readers: Readers;
  readonly refs: readonly RunRef[];
}

/** Lets a world go on until all of its runs are over. @returns what was broken, with what `check` says of its end; a world that breaks down has broken something, too. */
export async function runWatched(
  { world, watch, people, readers, refs }: WatchedWorld,
  check: () => readonly string[],
): Promise<string[]> {
  const violations: string[] = [];
  try {
    await world.run(() => {
      watch.onQuiet(world);
      return people.isAllOver(refs);
    });
    violations.push(...check());
    violations.push(...(await watch.atEnd()), ...(await readers.check()));
  } catch (error) {
    violations.push(breakdownOf(error));
  }
  readers.stop();
  return violations;
}

export function breakdownOf(error: unknown): string {
  return error instanceof Error ? (error.stack ?? error.message) : String(error);
}
