/**
 * The one entry of every npm script: installs what is missing, then runs the asked task under the pinned Node.
 *
 * Plain JavaScript without a dependency, because it runs before anything is installed and under whatever Node is
 * there (20 or newer). It touches the network only when package-lock.json is not the one that was installed last.
 *
 *   node scripts/bootstrap.mjs <task> [arguments of the task]
 */
import { spawn, spawnSync } from "node:child_process";
import { createHash } from "node:crypto";
import { existsSync, readFileSync, writeFileSync } from "node:fs";
import { constants } from "node:os";
import path from "node:path";
import { fileURLToPath } from "node:url";

const NODE_MAJOR_MIN = 24;

/** What each task runs. A new npm script needs a line here and one in package.json. */
const TASKS = {
  start: "stack/supervisor.ts",
  stack: "stack/main.ts",
  demo: "scripts/demo.ts",
  setup: "scripts/setup/main.ts",
  doctor: "scripts/doctor/main.ts",
  deploy: "scripts/deploy/main.ts",
  bench: "bench/main.ts",
  load: "bench/load/main.ts",
  fuzz: "scripts/fuzz.ts",
  check: "scripts/tasks/check.ts",
  test: "scripts/tasks/test.ts",
  upstream: "scripts/upstream/main.ts",
  "check:runs": "scripts/runs/check-runs.ts",
  replay: "scripts/runs/replay-file.ts",
  "test:sim": "scripts/tasks/test-simulation.ts",
};

const root = path.resolve(path.dirname(fileURLToPath(import.meta.url)), "..");
const binFolder = path.join(root, "node_modules", ".bin");
const stampFile = path.join(root, "node_modules", ".installed-lock");
const pinnedNode = path.join(root, "node_modules", "node", "bin", process.platform === "win32" ? "node.exe" : "node");

const [task = "", ...taskArguments] = process.argv.slice(2);
const entry = Object.hasOwn(TASKS, task) ? TASKS[task] : undefined;
if (entry === undefined) stop(`Unknown task "${task}". Tasks: ${Object.keys(TASKS).join(", ")}.`);

installIfNeeded();
run(chooseNode(), [path.join(root, entry), ...taskArguments]);

/** The stamp lives in node_modules, which `npm ci` deletes first: an interrupted install leaves none behind. */
function installIfNeeded() {
  const lockHash = createHash("sha256")
    .update(readFileSync(path.join(root, "package-lock.json")))
    .digest("hex");
  if (existsSync(stampFile) && readFileSync(stampFile, "utf8") === lockHash) return;

  console.log("Installing dependencies (npm ci) …");
  // Its warnings are about the Node that is there, under which nothing of this runs. What a package would report of the install to its makers is switched off.
  const install = spawnSync("npm", ["ci", "--no-audit", "--no-fund", "--loglevel=error"], {
    cwd: root,
    env: { ...process.env, PATH: pathWithoutLocalBin(), SCARF_ANALYTICS: "false" },
    shell: process.platform === "win32",
    stdio: "inherit",
  });
  if (install.error) stop(`npm could not be started: ${install.error.message}`);
  if (install.status !== 0) stop("npm ci failed; its message is above. Nothing was started.", install.status ?? 1);
  writeFileSync(stampFile, lockHash);
}

/** `npm ci` removes node_modules/.bin/node while it runs, so npm must not be started by it. */
function pathWithoutLocalBin() {
  const entries = (process.env.PATH ?? "").split(path.delimiter);
  return entries.filter((folder) => path.resolve(folder) !== binFolder).join(path.delimiter);
}

/** The `node` package fetches its binary in an install script; where scripts are switched off, a new enough Node will do. */
function chooseNode() {
  if (nodeMajor(pinnedNode) >= NODE_MAJOR_MIN) return pinnedNode;
  if (nodeMajor(process.execPath) >= NODE_MAJOR_MIN) return process.execPath;
  return stop(
    `Node ${NODE_MAJOR_MIN} is not in node_modules: the install script of the "node" package did not run. ` +
      `Run "npm rebuild node" with install scripts allowed, or use Node ${NODE_MAJOR_MIN} yourself.`,
  );
}

function nodeMajor(file) {
  if (!existsSync(file)) return 0;
  const answer = spawnSync(file, ["-p", "process.versions.node"], { encoding: "utf8" });
  return answer.status === 0 ? Number.parseInt(answer.stdout, 10) : 0;
}

function run(node, nodeArguments) {
  const child = spawn(node, nodeArguments, {
    cwd: root,
    env: { ...process.env, PATH: binFolder + path.delimiter + (process.env.PATH ?? "") },
    stdio: "inherit",
  });
  for (const signal of ["SIGINT", "SIGTERM", "SIGHUP"]) {
    process.on(signal, () => {
      // In a terminal Ctrl-C already reached the child; a second SIGINT would read as "stop at once".
      if (signal === "SIGINT" && process.stdin.isTTY) return;
      child.kill(signal);
    });
  }
  child.on("error", (error) => stop(`${node} could not be started: ${error.message}`));
  child.on("exit", (code, signal) => process.exit(code ?? 128 + constants.signals[signal ?? "SIGTERM"]));
}

function stop(sentence, exitCode = 1) {
  console.error(sentence);
  process.exit(exitCode);
}
