/**
 * Hands outcomes to the run's code, one at a time, in the order in which they were decided; and says when new work may begin.
 *
 * The code of a run is deterministic but for the order in which its steps end. So replay hands out the recorded outcomes in the recorded
 * order, and between two of them lets the code go as far as it can, just as it did when they came one after the other over the network.
 *
 * O1 Outcomes are handed out in the order of the journal, then in the order in which live ones come.
 * O2 Between two outcomes that were decided while other steps were under way, the code is left to run until it waits again. A step that was
 *    alone needs no such pause: nothing else could have asked for anything meanwhile.
 * O3 New steps begin only when every recorded outcome was handed out. If the next one is not asked for although the code is at rest, be it that it has ended, it is
 *    not the code that wrote the journal: it has diverged, and nothing begins.
 */
import type { SettledStep } from "./run-state.ts";

export type Outcome = SettledStep["outcome"];

export interface StepOrder {
  /** Resolves with the step's outcome. `begin` is called once if there is none yet, when its turn has come; it must not throw. */
  request(step: string, begin: () => void): Promise<Outcome>;
  /** A step that began has its outcome, decided at `at` (unix ms). */
  settle(step: string, outcome: Outcome, at: number): void;
  /** Steps that were asked for and have not been handed out. */
  outstanding(): number;
  /** The code has returned or thrown; what it left behind may still ask for steps. */
  codeEnded(): void;
  /** Something changed that may make the code's wait a quiet one. */
  poke(): void;
  /** What was asked for and has not begun, in that order. */
  fresh(): readonly string[];
  /** Begins no new step from now on; outcomes are still handed out. */
  stop(): void;
  /** Number of outcomes handed out. */
  handedOut(): number;
  /** Time of the last outcome handed out, in unix ms; deterministic, unlike a clock. */
  lastAt(): number;
}

export interface StepOrderParts {
  readonly recorded: readonly SettledStep[];
  readonly startedAt: number;
  /** Whether a step that began has no outcome yet. */
  readonly isBusy: () => boolean;
  /** The code asks for `asked` (or has ended) where the journal has `recorded`. */
  readonly onDivergence: (recorded: string, asked: string | undefined) => void;
  /** All that is decided was handed out, the code waits or has ended, and no step is under way. */
  readonly onQuiet: () => void;
  /** A recorded outcome is left, and the code asks for nothing: it awaits something that is no step. */
  readonly onStalled: () => void;
}

/**
 * Turns of the microtask queue after which code that awaits nothing but steps has come to rest. Each `await` of an async function costs up to
 * three; a timer would be exact, but costs a millisecond in workerd.
 */
const restTurns = 256;
/** The same where it is rarely waited for, and where more than speed is lost if the code only took its time. */
const patientTurns = 2_048;

interface Request {
  resolve(outcome: Outcome): void;
  begin(): void;
}

interface Decided {
  readonly step: string;
  readonly outcome: Outcome;
  readonly at: number;
}

export function createStepOrder(parts: StepOrderParts): StepOrder {
  const { recorded } = parts;
  const recordedSteps = new Set(recorded.map(({ step }) => step));
  const requests = new Map<string, Request>();
  /** Asked for, not recorded, not begun. */
  const fresh: string[] = [];
  const live: Decided[] = [];
  let cursor = 0;
  let isEnded = false;
  let isStopped = false;
  let isPumping = false;
  let hasNews = false;
  let lastAt = parts.startedAt;
  let handedOut = 0;

  async function rest(turns: number, isEnough: () => boolean): Promise<void> {
    for (let turn = 0; turn < turns && !isEnough(); turn += 1) await Promise.resolve();
  }

  function isAskedOrDecided(): boolean {
    return (fresh.length > 0 && !isStopped) || live.length > 0;
  }

  /** O2 */
  async function handOut({ step, outcome, at }: Decided, beside: number): Promise<void> {
    if (beside > 0 || requests.size > 1) await rest(restTurns, never);
    lastAt = Math.max(lastAt, at);
    handedOut += 1;
    const request = requests.get(step);
    requests.delete(step);
    request?.resolve(outcome);
  }

  /** False when the code does not ask for the recorded outcome (yet). */
  async function replay(next: SettledStep): Promise<boolean> {
    const isAsked = (): boolean => requests.has(next.step);
    await rest(patientTurns, isAsked);
    if (isAsked()) {
      cursor += 1;
      await handOut(next, next.beside);
      return true;
    }
    // It is at rest, and what it waits for comes later in the journal, or is not in it.
    const [asked] = requests.keys();
    if (asked !== undefined || isEnded) parts.onDivergence(next.step, fresh[0] ?? asked);
    return false;
  }

  /** Does all that can be done now. False when the code is not where the journal is. */
  async function advance(): Promise<boolean> {
    for (;;) {
      const next = recorded[cursor];
      const decided = live[0];
      if (next !== undefined) {
        if (!(await replay(next))) return false;
      } else if (decided !== undefined) {
        await handOut(decided, 0);
        live.shift();
      } else {
        if (!parts.isBusy()) {
          await rest(patientTurns, () => isAskedOrDecided() || isEnded);
          // What the code has left behind goes on for as long as it asks for steps.
          if (isEnded) await rest(restTurns, isAskedOrDecided);
        }
        if (live.length > 0) continue;
        if (isStopped || fresh.length === 0) return true;
        for (const step of fresh.splice(0)) requests.get(step)?.begin();
      }
    }
  }

  async function pump(): Promise<void> {
    hasNews = true;
    if (isPumping) return;
    isPumping = true;
    let isThrough = true;
    while (hasNews) {
      hasNews = false;
      isThrough = await advance();
    }
    isPumping = false;
    if (!isThrough) return parts.onStalled();
    if (!parts.isBusy()) parts.onQuiet();
  }

  return {
    request(step, begin) {
      return new Promise((resolve) => {
        requests.set(step, { resolve, begin });
        if (!recordedSteps.has(step)) fresh.push(step);
        void pump();
      });
    },
    settle(step, outcome, at) {
      live.push({ step, outcome, at });
      void pump();
    },
    outstanding: () => requests.size,
    codeEnded() {
      isEnded = true;
      void pump();
    },
    poke: () => void pump(),
    fresh: () => fresh,
    stop() {
      isStopped = true;
    },
    handedOut: () => handedOut,
    lastAt: () => lastAt,
  };
}

function never(): boolean {
  return false;
}
