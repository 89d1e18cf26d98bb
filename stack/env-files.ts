/** The files from which wrangler takes the bindings of the Worker. */
import { mkdirSync, writeFileSync } from "node:fs";
import path from "node:path";
import { fileURLToPath } from "node:url";
import { devVarNames, withoutAliased } from "./dev-vars.ts";

/** Where `npm start` keeps what is its own. */
export const stackFolder = fileURLToPath(new URL("../.stack", import.meta.url));

/** What is of the app at one port. */
export function appFolder(port: number | string): string {
  return path.join(stackFolder, `app-${port}`);
}

/**
 * Writes what is generated under `folder`, and names the files in the order in which wrangler reads them: a later one goes before an earlier one.
 *
 * @param devVars the developer's own file, which is left as it is; it goes before what is generated, wherever it says something.
 */
export function writeEnvFiles(folder: string, generated: Readonly<Record<string, string>>, devVars?: string): string[] {
  mkdirSync(folder, { recursive: true });
  if (devVars === undefined) return [write(folder, "bindings.env", generated)];
  const own = devVarNames(devVars);
  const bindings = withoutAliased(generated, (name) => own.set.has(name));
  // For wrangler an empty line is a value. So what it would hide is said once more.
  const hidden = Object.fromEntries(Object.entries(bindings).filter(([name]) => own.empty.has(name)));
  return [write(folder, "bindings.env", bindings), devVars, write(folder, "hidden-by-empty-lines.env", hidden)];
}

function write(folder: string, name: string, bindings: Readonly<Record<string, string>>): string {
  const file = path.join(folder, name);
  const lines = Object.entries(bindings).map(([key, value]) => `${key}='${value}'\n`);
  writeFileSync(file, lines.join(""), { mode: 0o600 });
  return file;
}
