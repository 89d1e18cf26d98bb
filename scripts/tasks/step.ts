import { spawn } from "node:child_process";
import { mkdirSync, rmSync } from "node:fs";
import path from "node:path";

import { readVitestReport } from "./vitest-report.ts";

/** A command of the task, with what its result means. A step without a test project counts as one test. */
export interface Step {
  name: string;
  command: readonly [string, ...string[]];
  /** The command is a run of this vitest project; its tests are counted instead of the step. */
  vitestProject?: string;
  /** Looks at what a successful command left behind; returns the failures in words and a line for the summary. */
  inspect?(): { failures: readonly string[]; summary: string };
}

export interface StepResult {
  name: string;
  passed: number;
  failed: number;
  durationMs: number;
  output: string;
  summary: string;
}

/** Longer than any honest step; a hung one is a failure with its output, never an endless run. */
const STEP_TIMEOUT_MS = 10 * 60_000;
const OUTPUT_CHARS_MAX = 40_000;
const reportFolder = path.join("test", ".tmp", "reports");

/** Runs one step to its end. Never throws: a command that cannot start or is killed is a failed step. */
export async function runStep(step: Step): Promise<StepResult> {
  const startedAt = performance.now();
  const reportFile = step.vitestProject && path.join(reportFolder, `${step.vitestProject}.json`);
  if (reportFile) {
    mkdirSync(reportFolder, { recursive: true });
    rmSync(reportFile, { force: true });
  }
  const ended = await spawnToEnd(reportFile ? withReport(step.command, reportFile) : step.command);
  return {
    name: step.name,
    durationMs: performance.now() - startedAt,
    ...judge(step, ended, reportFile),
  };
}

function judge(
  step: Step,
  ended: { isClean: boolean; output: string },
  reportFile: string | undefined,
): Omit<StepResult, "name" | "durationMs"> {
  const { isClean, output } = ended;
  if (reportFile) {
    const report = readVitestReport(reportFile);
    // A crash, an unhandled rejection or a missing report fails the run even where every counted test passed.
    const failed = isClean || report.failed > 0 ? report.failed : 1;
    return { passed: report.passed, failed, output, summary: `${report.passed} passed` };
  }
  if (!isClean) return { passed: 0, failed: 1, output, summary: "" };
  const finding = step.inspect?.();
  if (!finding) return { passed: 1, failed: 0, output, summary: "" };
  const isFine = finding.failures.length === 0;
  return {
    passed: isFine ? 1 : 0,
    failed: isFine ? 0 : 1,
    output: finding.failures.join("\n"),
    summary: finding.summary,
  };
}

function withReport(command: Step["command"], reportFile: string): Step["command"] {
  return [...command, "--reporter=default", "--reporter=json", `--outputFile.json=${reportFile}`];
}

function spawnToEnd([file, ...args]: Step["command"]): Promise<{ isClean: boolean; output: string }> {
  return new Promise((resolve) => {
    const child = spawn(file, args, {
      env: { ...process.env, NO_COLOR: "1", CI: "1" },
      stdio: ["ignore", "pipe", "pipe"],
    });
    let output = "";
    const collect = (chunk: Buffer) => {
      output = (output + chunk.toString("utf8")).slice(-OUTPUT_CHARS_MAX);
    };
    child.stdout.on("data", collect);
    child.stderr.on("data", collect);
    const timer = setTimeout(() => {
      output += `\nstopped after ${STEP_TIMEOUT_MS / 1000} s`;
      child.kill("SIGKILL");
    }, STEP_TIMEOUT_MS);
    child.on("error", (error) => {
      clearTimeout(timer);
      resolve({ isClean: false, output: `${file} could not be started: ${error.message}` });
    });
    child.on("close", (code) => {
      clearTimeout(timer);
      resolve({ isClean: code === 0, output });
    });
  });
}
