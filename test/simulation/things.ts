/** What a simulated world consists of. */
import type { EngineParts } from "../../src/engine/engine-parts.ts";
import type { BudgetBook, DueRuns, Journal } from "../../src/engine/journal.ts";

export interface Storage extends Journal, BudgetBook, DueRuns {}

export interface Isolate {
  readonly id: number;
  readonly what: string;
  isDead: boolean;
  /** Bodies of steps that it has begun. */
  steps: number;
  /** CPU that they have cost it, in units of the platform. */
  cpu: number;
}

/** Something that leaves an isolate and stands in line until the world lets it happen. */
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

/** The effect of a call whose caller has long given up. */
export interface LateEffect {
  readonly atMs: number;
  readonly name: string;
  readonly effect: () => Promise<unknown>;
}

/** How often the queue tries a message, and what it does when that was not enough. */
export interface Patience {
  /** Attempts after the first. */
  readonly retries: number;
  /** Before the next attempt, after so many that were attempts again. */
  readonly backoffMs: (retried: number) => number;
  readonly onDead?: (message: { readonly id: string }) => void;
}

/** What the queue brings, until it is told that it has arrived. */
export interface Message<Services> {
  readonly id: string;
  readonly what: string;
  readonly work: (
    engine: EngineParts<Services>,
    delivery: { messageId: string; retried: number },
    isolate: Isolate,
  ) => Promise<Arrival>;
  readonly patience: Patience;
  notBeforeMs: number;
  retried: number;
}

/** What a delivery is answered with. */
export interface Arrival {
  readonly outcome: string;
  /** It is to come again after so long. */
  readonly againAfterMs?: number;
  /** It is never to come again: the queue gives the message up. */
  readonly isRefused?: boolean;
}

/** An effect of a step or an undoing on the world outside. */
export interface Effect {
  readonly key: string;
  /** Which line of which run's code it belongs to, however often it is tried. */
  readonly label: string;
  /** It was refused, and nothing came of it. */
  readonly isFailing: boolean;
  readonly isolate: Isolate;
  readonly number: number;
}

export class Killed extends Error {}
