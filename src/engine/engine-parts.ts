import type { Meter } from "../core/meter.ts";
import type { Clock, Log, Random } from "../core/ports.ts";
import type { BudgetProfile } from "./budget.ts";
import type { CompactionRule } from "./compaction-rule.ts";
import type { BudgetBook, DueRuns, Journal, RunRef } from "./journal.ts";
import type { Queue } from "./queue.ts";
import type { CallRequest } from "./run-context.ts";
import type { RunRegistry } from "./run-definition.ts";

/** Has the queue make HTTP requests for runs. */
export interface CallPort {
  /**
   * The answer comes back as a signal of the run. Safe to repeat within the queue's window of deduplication.
   * @throws NonRetryableError where the queue cannot call for us.
   */
  send(call: {
    readonly ref: RunRef;
    readonly step: string;
    readonly signal: string;
    readonly request: CallRequest;
  }): Promise<void>;
}

/** What the engine needs for one invocation, whatever the runs are. */
export interface EnginePorts {
  readonly journal: Journal;
  readonly dueRuns: DueRuns;
  readonly budgets: BudgetBook;
  readonly queue: Queue;
  readonly calls: CallPort;
  readonly profile: BudgetProfile;
  readonly meter: Meter;
  readonly clock: Clock;
  readonly random: Random;
  /** Waits; rejects when the signal aborts. */
  readonly pause: (ms: number, signal: AbortSignal) => Promise<void>;
  readonly log: Log;
  /** When journals are compacted; absent: as `limits` says. */
  readonly compaction?: CompactionRule;
}

export interface EngineParts<Services> extends EnginePorts {
  readonly registry: RunRegistry<Services>;
  /** What the app gives to its runs. */
  readonly services: Services;
}
