/** The developer's own `.dev.vars`: read, never written. An empty value counts as none. */
import { existsSync, readFileSync } from "node:fs";
import path from "node:path";
import { fileURLToPath } from "node:url";
import { parseEnv } from "node:util";

const FILE = path.join(fileURLToPath(new URL("..", import.meta.url)), ".dev.vars");

/** Its path; undefined when there is none. */
export function devVarsFile(): string | undefined {
  return existsSync(FILE) ? FILE : undefined;
}

export interface DevVarNames {
  /** Set to something. */
  readonly set: ReadonlySet<string>;
  /** There, but with nothing behind them. */
  readonly empty: ReadonlySet<string>;
}

export function devVarNames(file = devVarsFile()): DevVarNames {
  const values = Object.entries(file === undefined ? {} : parseEnv(readFileSync(file, "utf8")));
  const namesWhere = (isWanted: (value: string) => boolean): Set<string> =>
    new Set(values.filter(([, value = ""]) => isWanted(value)).map(([name]) => name));
  return { set: namesWhere((value) => value.trim() !== ""), empty: namesWhere((value) => value.trim() === "") };
}

/** A name that is read first, and the one that is accepted in its place. */
const aliases: Readonly<Record<string, string>> = {
  UPSTASH_REDIS_REST_URL: "UPSTASH_REDIS_URL",
  UPSTASH_REDIS_REST_TOKEN: "UPSTASH_REDIS_TOKEN",
};

/** What we generate, but for what the developer has set by another name: ours would be read first. */
export function withoutAliased(
  generated: Readonly<Record<string, string>>,
  isSet: (name: string) => boolean,
): Record<string, string> {
  const isHiding = (name: string): boolean => isSet(aliases[name] ?? "") && !isSet(name);
  return Object.fromEntries(Object.entries(generated).filter(([name]) => !isHiding(name)));
}
