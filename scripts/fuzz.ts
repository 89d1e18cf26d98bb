/** Feeds the parsers of outside bytes with chance: `RUNS=1000000 npm run fuzz`; 20,000 inputs for each without it. */
import { spawnSync } from "node:child_process";
import path from "node:path";

const vitest = path.join(import.meta.dirname, "..", "node_modules", "vitest", "vitest.mjs");
const { status } = spawnSync(process.execPath, [vitest, "run", "--project", "unit", "test/unit/fuzz-"], {
  stdio: "inherit",
  env: { ...process.env, RUNS: process.env["RUNS"] ?? "20000" },
});
process.exit(status ?? 1);
