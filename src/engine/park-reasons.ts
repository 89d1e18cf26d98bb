/** Why a run is parked: states in which only a person can help, in words for that person. */
import { limits } from "../core/limits.ts";
import type { Failure } from "./journal-entry.ts";

export function notDeployed(started: { readonly definition: string; readonly version: number } | undefined): Failure {
  return {
    name: "UnknownDefinition",
    code: "unknown_definition",
    message: `This build has no "${started?.definition}" of version ${started?.version}. Deploy it again, then resume the run.`,
  };
}

export const inputNoLongerFits: Failure = {
  name: "InvalidInput",
  code: "run_diverged",
  message: "The input of the run no longer fits the schema of its definition.",
};

export function deadly(step: string | undefined): Failure {
  const what = step === undefined ? "The code between its steps" : `Step "${step}"`;
  return {
    name: "DeadlyStep",
    code: "deadly_step",
    message: `${what} has killed its segment ${limits.deathsInARowMax} times in a row. It may need more CPU or memory than the platform gives.`,
  };
}

export const stalled: Failure = {
  name: "StalledCode",
  code: "code_stalled",
  message: "The code of the run waits for something that is no step. Await nothing but the context.",
};

export const idle: Failure = {
  name: "IdleRun",
  code: "no_progress",
  message: `${limits.idleSegmentsMax} segments in a row have ended without bringing the run any further.`,
};

export const journalTooLarge: Failure = {
  name: "JournalTooLarge",
  code: "journal_too_large",
  message: `The journal of the run has more than ${limits.journalBytesMax} bytes. Keep large results elsewhere and hand on where, or use ctx.loop.`,
};

/** The code asks for `asked` (or has ended) where the journal has `recorded`. */
export function divergence(recorded: string, asked: string | undefined): { failure: Failure; step: string } {
  const instead = asked === undefined ? "the code has ended without asking for it" : `the code asks for "${asked}"`;
  return {
    step: recorded,
    failure: {
      name: "DivergedRun",
      code: "run_diverged",
      message: `The journal has step "${recorded}" where ${instead}. The code is not the one that wrote this journal, or it asks for steps inside of a step's body.`,
    },
  };
}

/** The code has returned what no journal can hold. It would return it again: only other code helps. */
export function unfitOutput({ code, message }: Failure): Failure {
  return {
    name: "UnfitOutput",
    ...(code === undefined ? {} : { code }),
    message: `The run has done its work and cannot end, for what its code returns cannot be kept: ${message}. Keep it elsewhere, let the code return where, deploy that, and resume the run.`,
  };
}

export const tooManySteps: Failure = {
  name: "TooManySteps",
  code: "too_many_steps",
  message: `A run has at most ${limits.runStepsMax} steps; use ctx.loop for more.`,
};

export function writesInDryRun(step: string): Failure {
  return {
    name: "DryRun",
    code: "dry_run",
    message: `Step "${step}" writes, the run is dry, and the step has no dryResult.`,
  };
}
