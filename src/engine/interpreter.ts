/** What the context of a run asks of whoever runs its code, and gets. */
import type { Clock } from "../core/ports.ts";
import type { SegmentBudget } from "./budget.ts";
import type { CodeEnd } from "./code-end.ts";
import type { CompactionRule } from "./compaction-rule.ts";
import type { Failure } from "./journal-entry.ts";
import type { JournalWriter } from "./journal-writer.ts";
import type { RunState, SettledStep } from "./run-state.ts";
import type { Outcome } from "./step-order.ts";
import type { StepRequest, WaitRequest } from "./step-request.ts";

/** What is recorded beside the end of a loop's turn. */
export interface TurnEnd {
  readonly closes: string;
  readonly emitted: number;
}

export interface InterpreterParts {
  readonly runId: string;
  /** As the journal tells it; flushed entries are applied to it. */
  readonly state: RunState;
  /** The outcomes to hand out before anything new begins. */
  readonly recorded: readonly SettledStep[];
  readonly writer: JournalWriter;
  readonly budget: SegmentBudget;
  readonly clock: Clock;
  /** Waits; rejects when the signal aborts. */
  readonly pause: (ms: number, signal: AbortSignal) => Promise<void>;
  readonly chance: () => number;
  readonly compaction?: CompactionRule;
  /** Begins nothing: the code only goes as far as the journal does. */
  readonly isReplayOnly?: boolean;
}

export interface Interpreter {
  /** Runs `code` until it ends or the segment has to. @throws LeaseLost, and whatever the storage throws. */
  run(code: () => Promise<unknown>): Promise<CodeEnd>;
  step(step: string, request: StepRequest): Promise<Outcome>;
  wait(step: string, request: WaitRequest): Promise<Outcome>;
  /** An outcome that needs no work. */
  decide(step: string, outcome: Outcome, turn?: TurnEnd): Promise<Outcome>;
  /** Asks for a step that cannot be done: when it comes to it, the run is parked. */
  refuse(step: string, failure: Failure): Promise<Outcome>;
  /** Ends the segment and parks the run. */
  getStuck(failure: Failure): void;
  /** The lease is lost: nothing that is under way is of use any more. */
  breakOff(error: unknown): void;
  /** The journal has news from outside: signals or orders. */
  hearNews(): void;
  /** The step whose body is being started: whoever asks for something now, asks in there. Not known any more once the body has awaited something. */
  starting(): string | undefined;
  /** A step that the code asks for and that has not begun. */
  nextStep(): string | undefined;
  lastAt(): number;
}
