/** What a simulated world consists of. */
import type { BudgetBook, DueRuns, Journal } from "../../src/engine/journal.ts";
import type { Trigger } from "../../src/engine/queue.ts";

export interface Storage extends Journal, BudgetBook, DueRuns {}

export interface Isolate {
  readonly id: number;
  readonly what: string;
  isDead: boolean;
  steps: number;
}

export interface Call {
  readonly isolate: Isolate;
  readonly name: string;
  readonly effect: () => Promise<unknown>;
  readonly resolve: (value: never) => void;
  readonly reject: (error: unknown) => void;
  /** It hangs until then. */
  notBeforeMs: number;
}

export interface Timer {
  readonly isolate: Isolate;
  readonly atMs: number;
  readonly resolve: () => void;
}

export interface Message {
  readonly id: string;
  readonly trigger: Trigger;
  notBeforeMs: number;
  retried: number;
}

/** An effect of a step or an undoing on the world outside. */
export interface Effect {
  readonly key: string;
  readonly isolate: number;
  readonly number: number;
}
