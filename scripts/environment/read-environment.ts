/** The bindings as the app would get them from this machine, and where each of them stands. */
import { existsSync, readFileSync } from "node:fs";
import path from "node:path";
import { fileURLToPath } from "node:url";
import { withoutAliased } from "../../stack/dev-vars.ts";
import { appFolder } from "../../stack/env-files.ts";
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

/** The source of what stands in no file of the person's own. */
export const fromNpmStart = "npm start";
export const fromEnvironment = "environment";

/** What a person has set, by name: the environment of this process goes before the file. An empty value counts as none. */
export function readOwn(file: string, env: NodeJS.ProcessEnv = process.env): Map<string, Binding> {
  const stated = bindingNames.map((name): [string, string] => [name, env[name] ?? ""]);
  return new Map([...setIn(varsIn(file), path.basename(file)), ...setIn(stated, fromEnvironment)]);
}

/**
 * The same over what `npm start` has set for the local stack: what an app on this machine has.
 *
 * @param generated the file of `npm start`, which need not be there.
 */
export function readEnvironment(
  file: string,
  generated: string,
  env: NodeJS.ProcessEnv = process.env,
): Map<string, Binding> {
  const own = readOwn(file, env);
  const ofStart = withoutAliased(Object.fromEntries(varsIn(generated)), (name) => own.has(name));
  return new Map([...setIn(Object.entries(ofStart), fromNpmStart), ...own]);
}

/** Where it writes the bindings of an app at this port. */
export function generatedFile(port: string): string {
  return path.join(appFolder(port), "bindings.env");
}

export function valuesOf(bindings: ReadonlyMap<string, Binding>): Record<string, string> {
  return Object.fromEntries([...bindings].map(([name, { value }]) => [name, value]));
}

function setIn(vars: Iterable<[string, string]>, source: string): [string, Binding][] {
  return [...vars].flatMap(([name, text]): [string, Binding][] => {
    const value = text.trim();
    return value === "" ? [] : [[name, { value, source }]];
  });
}

function varsIn(file: string): Map<string, string> {
  return existsSync(file) ? readVars(readFileSync(file, "utf8")) : new Map();
}
