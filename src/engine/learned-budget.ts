/**
 * How many steps a segment of a definition may do, learned from segments that died.
 *
 * B1 A segment that opened and never closed was killed. It had begun one step more than it had settled; half of that is the new number.
 * B2 Each segment that closes because its steps were used up raises the number: by one while it is below what once killed, for there the limit may be;
 *    to its double above that, for then the death was an accident (a deploy, a lost machine) and nothing is known against more.
 * B3 The number is never below 1: a segment always does one step, so a run always gets on.
 */
export interface LearnedBudget {
  readonly stepsMax: number;
  /** Steps that a killed segment had begun; the smallest number that is known to be too much. */
  readonly killedAtSteps: number;
}

/** @param settledSteps of the segment that died. */
export function afterDeath(settledSteps: number): LearnedBudget {
  const killedAtSteps = settledSteps + 1;
  return { stepsMax: Math.max(1, Math.floor(killedAtSteps / 2)), killedAtSteps };
}

/** After a segment that closed because it had used up its steps. */
export function afterFullSegment({ stepsMax, killedAtSteps }: LearnedBudget): LearnedBudget {
  const isRefuted = stepsMax >= killedAtSteps;
  return { stepsMax: isRefuted ? stepsMax * 2 : stepsMax + 1, killedAtSteps };
}

export function formatLearnedBudget({ stepsMax, killedAtSteps }: LearnedBudget): string {
  return `${stepsMax}:${killedAtSteps}`;
}

/** `undefined` for anything else, which then counts as nothing learned. */
export function parseLearnedBudget(text: string | undefined): LearnedBudget | undefined {
  const match = /^([1-9]\d{0,8}):([1-9]\d{0,8})$/.exec(text ?? "");
  return match === null ? undefined : { stepsMax: Number(match[1]), killedAtSteps: Number(match[2]) };
}
