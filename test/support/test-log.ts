/** The one sink of what the app logs in tests: every entry is kept, down to debug; errors are printed too, for people. */
import type { Log } from "../../src/core/ports.ts";
import { systemClock } from "../../src/system/clock.ts";
import { jsonLog } from "../../src/system/log.ts";

export interface TestLog {
  /** In the order in which they were written, each one line of JSON. */
  readonly lines: string[];
  readonly logs: () => Log;
}

export function createTestLog(): TestLog {
  const lines: string[] = [];
  const write = (line: string): void => {
    lines.push(line);
    if (line.includes('"level":"error"')) console.log(line);
  };
  return { lines, logs: () => jsonLog({ clock: systemClock, level: "debug", write }) };
}
