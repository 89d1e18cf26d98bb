/** The steps of a deploy, in their order. Each must pass before the next begins. */
import type { Finding } from "../environment/finding.ts";

export interface DeployOptions {
  /** Everything but the upload and what comes after it. */
  readonly isDry: boolean;
  /** Nothing is deployed yet, so there are no live runs to ask about. */
  readonly isNew: boolean;
  /** Without the checks; of a dry run alone. */
  readonly skipsChecks: boolean;
  readonly plan: "free" | "paid";
  /** Where what is deployed answers. */
  readonly appUrl: string;
  /** The `.dev.vars` that says where the live runs are. */
  readonly file: string;
}

export interface DeployTools {
  /** A program of this repository; its exit code. */
  run(program: string, ...args: readonly string[]): number;
  buildWeb(): Promise<unknown>;
  /** Asks what is deployed. */
  examine(appUrl: string): Promise<readonly Finding[]>;
  print(line: string): void;
}

/** @returns the exit code: that of the step that failed, or 1 when what is deployed does not answer. */
export async function deploy(o: DeployOptions, tools: DeployTools): Promise<number> {
  for (const { title, work } of stepsOf(o, tools)) {
    tools.print(`\n▸ ${title}`);
    const exitCode = await work();
    if (exitCode === 0) continue;
    tools.print(`\n✗ Stopped at: ${title}. Nothing after it was done.`);
    return exitCode;
  }
  if (!o.isDry) return smokeTest(o.appUrl, tools);
  tools.print("\nNothing was uploaded.");
  return 0;
}

interface DeployStep {
  readonly title: string;
  readonly work: () => number | Promise<number>;
}

function stepsOf(o: DeployOptions, { run, buildWeb }: DeployTools): readonly DeployStep[] {
  const { isDry, isNew, skipsChecks, plan } = o;
  const checks: DeployStep = { title: "Checks", work: () => run("scripts/tasks/check.ts") };
  const liveRuns: DeployStep = { title: "Live runs", work: () => run("scripts/runs/check-runs.ts", "--file", o.file) };
  const web: DeployStep = { title: "The web app", work: () => buildWeb().then(() => 0) };
  // wrangler's name for what stands outside of every environment is the empty one.
  const target = ["--env", plan === "paid" ? "paid" : ""];
  const worker: DeployStep = {
    title: isDry ? "The Worker, as it would be uploaded" : "The Worker",
    work: () => run("node_modules/wrangler/bin/wrangler.js", "deploy", ...target, ...(isDry ? ["--dry-run"] : [])),
  };
  return [...(skipsChecks ? [] : [checks]), ...(isDry || isNew ? [] : [liveRuns]), web, worker];
}

async function smokeTest(appUrl: string, { examine, print }: DeployTools): Promise<number> {
  print("\n▸ What is deployed");
  const findings = await examine(appUrl);
  for (const { isOk, words, mend } of findings)
    print(`${isOk ? "✓" : "✗"} ${words}${mend === undefined ? "" : ` → ${mend}`}`);
  if (findings.every(({ isOk }) => isOk)) return 0;
  print("\n✗ It is uploaded, but does not serve. To go back: npx wrangler rollback");
  return 1;
}
