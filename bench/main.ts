/** Runs the named benches, or all: `npm run bench -- stack`. Each replaces its section of bench/RESULTS.md. */
import { readFile, writeFile } from "node:fs/promises";
import { join } from "node:path";
import { benchEngine } from "./engine.ts";
import { benchRelay } from "./relay.ts";
import { withSection } from "./results.ts";
import { benchSealing } from "./sealing.ts";
import { benchStack } from "./stack.ts";

const benches = new Map([
  ["engine", benchEngine],
  ["relay", benchRelay],
  ["sealing", benchSealing],
  ["stack", benchStack],
]);
const file = join(import.meta.dirname, "RESULTS.md");

const named = process.argv.slice(2);
for (const name of named.length > 0 ? named : benches.keys()) {
  const bench = benches.get(name);
  if (bench === undefined) throw new Error(`There is no bench ${name}; there are ${[...benches.keys()].join(", ")}.`);
  const section = await bench();
  await writeFile(file, withSection(await readFile(file, "utf8"), section));
  console.log(section);
}
