/** What wrangler and the Worker print under `npm start`: all of it goes to a file, errors are shown, too. */
import { createWriteStream, existsSync, mkdirSync, renameSync, statSync } from "node:fs";
import path from "node:path";

export interface AppLog {
  readonly file: string;
  write(line: string): void;
  /** To the file, and shown. */
  say(sentence: string): void;
  /** Resolves once all lines are in the file. */
  close(): Promise<void>;
}

/** Of the starts before; a larger file is put aside, in the place of the one that was put aside before. */
const bytesMax = 8 * 1024 * 1024;

/** Goes on behind what an earlier start has written: how it ended may be told there. */
export function openAppLog(file: string, show: (text: string) => void): AppLog {
  mkdirSync(path.dirname(file), { recursive: true });
  if (existsSync(file) && statSync(file).size > bytesMax) renameSync(file, `${file}.old`);
  const stream = createWriteStream(file, { flags: "a" });
  stream.write(`--- npm start at ${new Date().toISOString()}\n`);
  const told = new Set<string>();
  return {
    file,
    say(sentence) {
      stream.write(`${sentence}\n`);
      show(sentence);
    },
    write(line) {
      if (isLookAtHealth(line)) return;
      stream.write(`${line}\n`);
      const words = misconfigurationIn(line);
      // Each request meets it anew.
      if (words !== undefined && told.has(words)) return;
      if (words !== undefined) told.add(words);
      if (words !== undefined || /"level":"error"|wrangler:error|\[ERROR\]|✘/.test(line)) show(words ?? line);
    },
    close: () => new Promise((resolve) => stream.end(resolve)),
  };
}

/** Of the supervisor's own looks, some each minute: wrangler's line, and the Worker's. */
function isLookAtHealth(line: string): boolean {
  return /GET \/health 200 |"route":"\/health","status":200,/.test(line);
}

/** What the Worker says of its bindings, each problem on a line of its own; undefined for a line about something else. */
function misconfigurationIn(line: string): string | undefined {
  try {
    const { error } = JSON.parse(line) as { error?: { code?: unknown; message?: unknown } };
    if (error?.code !== "misconfigured" || typeof error.message !== "string") return undefined;
    return error.message.replaceAll(/(?<=[:.]) (?=[A-Z]+_[A-Z_]+ )/g, "\n  ");
  } catch {
    return undefined;
  }
}
