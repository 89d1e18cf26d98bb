/**
 * What the rooms need from the outside world besides storage: time, chance and a log. They come in as values so that a
 * test decides them; nothing below `system/` reads a clock or draws a random number by itself.
 */
import { AppError } from "./errors.ts";

export interface Clock {
  /** Unix milliseconds. In a Worker it stands still between two I/O operations. */
  now(): number;
}

export interface Random {
  /** A version 4 UUID. */
  uuid(): string;
  /** `count` unpredictable bytes. */
  bytes(count: number): Uint8Array;
}

export type LogFields = Record<string, unknown>;

export interface Log {
  debug(message: string, fields?: LogFields): void;
  info(message: string, fields?: LogFields): void;
  warn(message: string, fields?: LogFields): void;
  error(message: string, fields?: LogFields): void;
  /** A log that adds `fields` to each of its entries. */
  with(fields: LogFields): Log;
}

/**
 * States what must hold where data changes trust.
 *
 * @throws internal (park) with `sentence` when it does not hold: the state is one that we do not understand.
 */
export function invariant(condition: unknown, sentence: string): asserts condition {
  if (!condition) throw new AppError("internal", `Invariant broken: ${sentence}`);
}
