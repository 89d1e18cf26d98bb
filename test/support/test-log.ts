/** The one sink of what the app logs in tests: every entry is kept, down to debug; errors are printed too, for people. */
import type { Log } from "../../src/core/ports.ts";
import { systemClock } from "../../src/system/clock.ts";
import { jsonLog } from "../../src/system/log.ts";

export interface TestLog {
  /** In the order in which they were written, each one line of JSON. */
  readonly lines: readonly string[];
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

/** What guards the app or proves who somebody is. Names, addresses and switches among the bindings do neither. */
export function secretsAmong(bindings: Readonly<Record<string, unknown>>): string[] {
  return Object.entries(bindings).flatMap(([name, value]) => {
    const isSecret = /_(?:TOKEN|KEY|SECRET)$/.test(name) || name === "ENCRYPTION_KEYS";
    return isSecret && typeof value === "string" && value !== "" ? [value] : [];
  });
}

/** The lines that hold any of these words, as they are or as JSON or a URL writes them. */
export function linesWith(lines: readonly string[], words: readonly string[]): string[] {
  const spellings = words.flatMap((word) => [word, JSON.stringify(word).slice(1, -1), encodeURIComponent(word)]);
  return lines.filter((line) => spellings.some((spelling) => line.includes(spelling)));
}
