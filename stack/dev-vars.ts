/** The developer's own `.dev.vars`: read, never written. */
import { existsSync, readFileSync } from "node:fs";
import path from "node:path";
import { fileURLToPath } from "node:url";

const FILE = path.join(fileURLToPath(new URL("..", import.meta.url)), ".dev.vars");

/** Its path; undefined when there is none. */
export function devVarsFile(): string | undefined {
  return existsSync(FILE) ? FILE : undefined;
}

/** The names that it sets to something, for telling people what is in use. */
export function devVarNames(): Set<string> {
  const file = devVarsFile();
  const text = file === undefined ? "" : readFileSync(file, "utf8");
  return new Set([...text.matchAll(/^\s*(?:export\s+)?([A-Z0-9_]+)\s*=\s*\S/gm)].map((match) => match[1] ?? ""));
}
