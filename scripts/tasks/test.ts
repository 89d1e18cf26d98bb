import { availableParallelism } from "node:os";

import { inspectBundle } from "./bundle-size.ts";
import { checkSteps } from "./check-steps.ts";
import { finish, runSteps } from "./run-steps.ts";
import type { Step } from "./step.ts";

const vitestProject = (name: string): Step => ({
  name,
  command: ["vitest", "run", "--project", name],
  vitestProject: name,
});

/** `npm run deploy -- --dry-run` without the checks, which come first here. */
function dryRun(plan: "free" | "paid"): Step {
  const script = "scripts/deploy/main.ts";
  return { name: `deploy: ${plan} plan`, command: ["node", script, "--dry-run", "--skip-checks", "--env", plan] };
}

const builds: readonly Step[] = [
  { name: "build: web", command: ["vite", "build", "--config", "web/vite.config.ts"] },
  { ...dryRun("free"), inspect: inspectBundle },
  dryRun("paid"),
  { name: "unused code", command: ["knip"] },
];

const results = [
  ...(await runSteps(checkSteps, Math.min(availableParallelism(), 4))),
  // One at a time: the Worker's build reads the web app's output, and contract tests take all of a small machine by themselves.
  ...(await runSteps([...builds, vitestProject("contract")], 1)),
  // Browsers and servers that come back after a death mostly wait: two of these at a time, the longest first.
  ...(await runSteps(["e2e", "process", "simulation", "workerd"].map(vitestProject), 2)),
];
finish(results);
