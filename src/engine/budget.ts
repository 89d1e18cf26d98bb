/**
 * What one segment may spend, asked before each new step. Four meters: wall time, steps, subrequests, estimated CPU.
 *
 * A Worker cannot measure its own CPU time, for its clocks stand still between I/O. So it is estimated from what was done, and the truth is learned
 * from segments that were killed; see `learned-budget.ts`.
 */
import type { Meter } from "../core/meter.ts";
import type { Clock } from "../core/ports.ts";
import type { StopReason } from "./journal-entry.ts";

export interface BudgetProfile {
  readonly name: "free" | "paid";
  /** The segment stops before its wall time is over. */
  readonly wallMs: number;
  readonly steps: number;
  /** What the platform allows to one invocation. */
  readonly subrequests: number;
  /** Kept back for the last flush and the message that brings the next segment. */
  readonly subrequestsReserved: number;
  /** Estimated. */
  readonly cpuMs: number;
}

/** Source: Cloudflare Workers limits, autumn 2026: 50 subrequests and 10 ms on Free, 10,000 and 30 s on Paid. */
export const budgetProfiles: Record<BudgetProfile["name"], BudgetProfile> = {
  free: { name: "free", wallMs: 7_500, steps: 1_000, subrequests: 50, subrequestsReserved: 6, cpuMs: 8 },
  paid: { name: "paid", wallMs: 7_500, steps: 10_000, subrequests: 10_000, subrequestsReserved: 50, cpuMs: 20_000 },
};

/**
 * Milliseconds of CPU, from `npm run bench -- engine` in bare workerd: a subrequest is a step of the bare floor, a step is what ours costs beyond it, a
 * KiB is that much of a journal, parsed, folded and replayed. An upper bound: process time includes the work of the kernel and of the socket threads.
 */
export const cpuWeights = {
  step: 0.1,
  subrequest: 0.15,
  parsedKib: 0.03,
} as const;

/** Calls that a step which is under way is expected to make still: its own, and its flush. */
const subrequestsPerStep = 2;

export interface SegmentBudget {
  /**
   * Counts a step that is about to begin, a wait or a loop's turn like any other; the reason not to begin it, or `undefined`. The first one of a segment always may.
   * @param underWay steps that have begun and not ended.
   */
  admit(underWay: number): StopReason | undefined;
  /** Whether `ms` of waiting fit into what is left of the wall time. */
  hasTimeFor(ms: number): boolean;
  steps(): number;
}

export interface SegmentBudgetParts {
  readonly profile: BudgetProfile;
  /** What was learned for this definition; the profile's own number without it. */
  readonly stepsMax: number;
  readonly meter: Meter;
  readonly clock: Clock;
  readonly startedAtMs: number;
}

export function createSegmentBudget({
  profile,
  stepsMax,
  meter,
  clock,
  startedAtMs,
}: SegmentBudgetParts): SegmentBudget {
  let steps = 0;

  function estimatedCpuMs(): number {
    return (
      steps * cpuWeights.step +
      meter.subrequests * cpuWeights.subrequest +
      (meter.parsedBytes / 1024) * cpuWeights.parsedKib
    );
  }

  function reasonToStop(underWay: number): StopReason | undefined {
    if (steps === 0) return undefined;
    if (clock.now() - startedAtMs >= profile.wallMs) return "wall-time";
    if (steps >= Math.min(stepsMax, profile.steps)) return "steps";
    const subrequests = meter.subrequests + underWay * subrequestsPerStep;
    if (subrequests >= profile.subrequests - profile.subrequestsReserved) return "subrequests";
    return estimatedCpuMs() >= profile.cpuMs ? "cpu" : undefined;
  }

  return {
    admit(underWay) {
      const reason = reasonToStop(underWay);
      if (reason === undefined) steps += 1;
      return reason;
    },
    hasTimeFor: (ms) => clock.now() - startedAtMs + ms < profile.wallMs,
    steps: () => steps,
  };
}
