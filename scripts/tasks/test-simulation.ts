/** The simulation by itself, with what it prints. `SEEDS=10000` runs so many seeds, `SEED=123` replays one and prints its trace. */
import { spawnSync } from "node:child_process";

const { status } = spawnSync("vitest", ["run", "--project", "simulation", ...process.argv.slice(2)], {
  stdio: "inherit",
});
process.exitCode = status ?? 1;
