import type { Log } from "./core/ports.ts";
import { systemClock } from "./system/clock.ts";
import { consoleLog } from "./system/log.ts";

/** The log of an environment. Needs no valid configuration: what is wrong with it must be logged too. */
export function logOf(env: Env): Log {
  const level = (env as { LOG_LEVEL?: string }).LOG_LEVEL;
  return consoleLog(systemClock, level === "debug" || level === "warn" || level === "error" ? level : "info");
}
