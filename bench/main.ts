/** Runs every bench and writes bench/RESULTS.md. */
import { writeFile } from "node:fs/promises";
import { join } from "node:path";
import { benchRelay, machineLine } from "./relay.ts";

const sections = [await benchRelay()];
const results = `# Results\n\n${machineLine()}\n\n${sections.join("\n")}`;
await writeFile(join(import.meta.dirname, "RESULTS.md"), results);
console.log(results);
