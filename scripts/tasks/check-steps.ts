import type { Step } from "./step.ts";

const project = (name: string, config: string): Step => ({
  name: `types: ${name}`,
  command: ["tsc", "-p", config],
});

/** What `npm run check` runs: everything that needs no build and no server, the slowest first. */
export const checkSteps: readonly Step[] = [
  { name: "unit", command: ["vitest", "run", "--project", "unit"], vitestProject: "unit" },
  { name: "lint", command: ["oxlint", "--format=unix"] },
  { name: "format", command: ["oxfmt", "--check"] },
  project("worker", "tsconfig.json"),
  project("node", "tsconfig.node.json"),
  project("web", "web/tsconfig.json"),
  project("workerd tests", "test/workerd/tsconfig.json"),
];
