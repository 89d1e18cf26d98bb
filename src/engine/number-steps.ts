/**
 * Gives each step that the code asks for a name of its own.
 *
 * Names are numbered in the order in which they are asked for, within the loop's turn that asks; the order is the same whenever the code is run. Inside of a turn
 * they begin with the turn's name, `loop[3]/`, so no other name may look like that.
 */
import { limits } from "../core/limits.ts";
import { demand } from "./failures.ts";
import { undoPrefix } from "./undo-steps.ts";

/** @param onTooMany is called when one scope asks for more than `runStepsMax`. */
export function createNumbering(scope: string, onTooMany: () => void): (name: string) => string {
  const counts = new Map<string, number>();
  const taken = new Set<string>();

  /** @throws BadDefinition for what is no name. */
  return (name) => {
    demand(
      isStepName(name),
      `"${shown(name)}" is no name of a step: it has 1 to ${limits.stepNameCharsMax} characters, does not begin with "${undoPrefix}", and does not look like the turn of a loop`,
    );
    let count = counts.get(name) ?? 0;
    let numbered: string;
    // Somebody may have given the name "a#2" to a step.
    do {
      count += 1;
      numbered = count === 1 ? name : `${name}#${count}`;
    } while (taken.has(numbered));
    counts.set(name, count);
    taken.add(numbered);
    if (taken.size > limits.runStepsMax) onTooMany();
    return `${scope}${numbered}`;
  };
}

const turnInName = /\[\d+\](?:\/|$)/;

/** Its beginning: it may be of any length, or no text at all. */
function shown(name: unknown): string {
  return String(name).slice(0, 64);
}

function isStepName(name: unknown): boolean {
  if (typeof name !== "string" || name.length < 1 || name.length > limits.stepNameCharsMax) return false;
  return !name.startsWith(undoPrefix) && !turnInName.test(name);
}
