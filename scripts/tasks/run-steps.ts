import { runStep, type Step, type StepResult } from "./step.ts";

/**
 * Runs the steps, at most `concurrency` at a time and started in the order given; prints a line as each ends, with
 * its whole output when it failed. One failure does not stop the others: a run names everything that is wrong.
 */
export async function runSteps(steps: readonly Step[], concurrency: number): Promise<StepResult[]> {
  const waiting = [...steps];
  const results: StepResult[] = [];
  const lane = async () => {
    for (let step = waiting.shift(); step; step = waiting.shift()) {
      const result = await runStep(step);
      results.push(result);
      printResult(result);
    }
  };
  await Promise.all(Array.from({ length: concurrency }, lane));
  return results;
}

/** The last line of every task, alone on its line; the exit code says the same. */
export function finish(results: readonly StepResult[]): void {
  const passed = results.reduce((sum, result) => sum + result.passed, 0);
  const failed = results.reduce((sum, result) => sum + result.failed, 0);
  const broken = results.filter((result) => result.failed > 0).map((result) => result.name);
  if (broken.length > 0) console.log(`\nfailed: ${broken.join(", ")}`);
  console.log(`\n${passed} passed, ${failed} failed`);
  process.exitCode = failed === 0 ? 0 : 1;
}

function printResult({ name, failed, durationMs, summary, output }: StepResult): void {
  const seconds = `${(durationMs / 1000).toFixed(1)} s`.padStart(7);
  console.log(`${failed === 0 ? "ok    " : "FAILED"} ${name.padEnd(24)} ${seconds}  ${summary}`.trimEnd());
  if (failed > 0) console.log(output.trim().replaceAll(/^/gm, "    "));
}
