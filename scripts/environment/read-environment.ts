/** The bindings as the app would get them from this machine, and where each of them stands. */
import { existsSync, readFileSync } from "node:fs";
import path from "node:path";
import { fileURLToPath } from "node:url";
import { readVars } from "./vars-text.ts";

const root = fileURLToPath(new URL("../..", import.meta.url));

export const devVarsFile = path.join(root, ".dev.vars");

/** Every binding that a person may set. */
export const bindingNames: readonly string[] = [
  ...readVars(readFileSync(path.join(root, ".dev.vars.example"), "utf8")).keys(),
];

export interface Binding {
  readonly value: string;
  readonly source: string;
}

/**
 * By name. The environment of this process goes before the file, and both before what `npm start` has set for the local
 * stack; an empty value counts as none.
 */
export function readEnvironment(file: string, env: NodeJS.ProcessEnv = process.env): Map<string, Binding> {
  const found = new Map<string, Binding>();
  const take = (vars: Iterable<[string, string]>, source: string): void => {
    for (const [name, value] of vars) if (value.trim() !== "") found.set(name, { value: value.trim(), source });
  };
  const port = env["APP_PORT"] ?? "8787";
  take(varsIn(path.join(root, ".stack", `app-${port}`, "bindings.env")), "npm start");
  take(varsIn(file), path.basename(file));
  take(
    bindingNames.map((name): [string, string] => [name, env[name] ?? ""]),
    "environment",
  );
  return found;
}

export function valuesOf(bindings: ReadonlyMap<string, Binding>): Record<string, string> {
  return Object.fromEntries([...bindings].map(([name, { value }]) => [name, value]));
}

function varsIn(file: string): Map<string, string> {
  return existsSync(file) ? readVars(readFileSync(file, "utf8")) : new Map();
}
