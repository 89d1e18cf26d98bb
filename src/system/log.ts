/**
 * The log: one line of JSON per entry, which Workers Logs and a terminal both take.
 *
 * Secrets print as `[secret]`, errors as name, message, code, stack and cause. What JSON cannot hold is named, never thrown:
 * a log line is not worth a request.
 */
import { AppError } from "../core/errors.ts";
import type { Clock, Log, LogFields } from "../core/ports.ts";

const levels = ["debug", "info", "warn", "error"] as const;
export type LogLevel = (typeof levels)[number];

export function isLogLevel(value: string): value is LogLevel {
  return (levels as readonly string[]).includes(value);
}

/** Causes of causes that are printed. */
const causeDepthMax = 4;

export interface JsonLogOptions {
  readonly clock: Clock;
  /** Entries below it are dropped. */
  readonly level: LogLevel;
  /** Takes one line without its line break. */
  readonly write: (line: string) => void;
  readonly fields?: LogFields;
}

export function jsonLog(options: JsonLogOptions): Log {
  const { clock, level, write, fields = {} } = options;
  const lowest = levels.indexOf(level);
  function entry(entryLevel: LogLevel) {
    return (message: string, more?: LogFields): void => {
      if (levels.indexOf(entryLevel) < lowest) return;
      const time = new Date(clock.now()).toISOString();
      write(toLine({ time, level: entryLevel, message, ...fields, ...more }));
    };
  }
  return {
    debug: entry("debug"),
    info: entry("info"),
    warn: entry("warn"),
    error: entry("error"),
    with: (more) => jsonLog({ ...options, fields: { ...fields, ...more } }),
  };
}

/** The log of the Worker: everything to the console, whose lines the platform collects. */
export function consoleLog(clock: Clock, level: LogLevel): Log {
  return jsonLog({ clock, level, write: (line) => console.log(line) });
}

function toLine(entry: LogFields): string {
  try {
    return JSON.stringify(entry, (_key, value: unknown) => printable(value));
  } catch {
    const { time, level, message } = entry;
    return JSON.stringify({ time, level, message, unprintable: true });
  }
}

function printable(value: unknown): unknown {
  if (value instanceof Error) return printableError(value, 0);
  if (typeof value === "bigint") return value.toString();
  return value;
}

function printableError(error: Error, depth: number): LogFields {
  const { name, message, stack, cause } = error;
  const code = error instanceof AppError ? { code: error.code } : {};
  if (!(cause instanceof Error)) return { name, message, ...code, stack };
  return { name, message, ...code, stack, cause: depth < causeDepthMax ? printableError(cause, depth + 1) : "…" };
}
