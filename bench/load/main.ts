/**
 * `npm run load`: people who chat and people who watch, against the built Worker in bare workerd and the local stack. It writes bench/LOAD.md.
 *
 *   npm run load -- --seconds 60 --viewers 300 --turns 30 --words 90
 *
 * The stack is in this process, workerd and the people (`people.ts`) each in one of their own. Exit code 1 when something failed that is not a documented refusal, or a viewer missed an end.
 */
import "../../stack/quiet-warnings.ts";
import { writeFile } from "node:fs/promises";
import { join } from "node:path";
import { setTimeout as wait } from "node:timers/promises";
import { parseArgs } from "node:util";
import { buildWorker } from "../../scripts/build-worker.ts";
import { startStack } from "../../stack/start-stack.ts";
import { startWorkerdApp, type WorkerdApp } from "../../test/process/workerd-app.ts";
import { processCpuMs } from "../process-cpu.ts";
import { residentMiB } from "../process-memory.ts";
import { startProgram } from "../program.ts";
import { liveHeapMiB } from "./live-heap.ts";
import { failuresOf, reportLoad, type LoadRun, type MemoryOf } from "./report.ts";
import type { PeopleReport } from "./people.ts";

const { values } = parseArgs({
  options: {
    seconds: { type: "string", default: "60" },
    viewers: { type: "string", default: "300" },
    turns: { type: "string", default: "30" },
    words: { type: "string", default: "90" },
  },
});
const plan = {
  seconds: wholeNumber("--seconds", values.seconds),
  viewers: wholeNumber("--viewers", values.viewers),
  turnsPerSecond: wholeNumber("--turns", values.turns),
  words: wholeNumber("--words", values.words),
};

const warmUp = { ...plan, seconds: 5, viewers: 10, turnsPerSecond: 2 };
/** Connections that are left behind have gone by then, and timers of turns have ended. */
const restMs = 30_000;

await buildWorker();
const stack = await startStack();
const app = await startWorkerdApp(stack, { isInspected: true, logLevel: "error" });
try {
  await send(warmUp);
  const run = await measure();
  const report = reportLoad(run);
  await writeFile(join(import.meta.dirname, "..", "LOAD.md"), report);
  console.log(report);
  if (failuresOf(run.people) > 0 || run.people.endings !== run.people.watched) process.exitCode = 1;
} finally {
  await app.close();
  await stack.close();
}

async function measure(): Promise<LoadRun> {
  const before = await memory();
  const cpuBefore = { workerdMs: await processCpuMs(app.pid()), stackMs: await processCpuMs(process.pid) };
  const watch = watchMemory(app);
  const people = await send(plan);
  const memoryMiB = watch.stop();
  const workerdCpuMs = (await processCpuMs(app.pid())) - cpuBefore.workerdMs;
  const stackCpuMs = (await processCpuMs(process.pid)) - cpuBefore.stackMs;
  await wait(restMs);
  return { ...plan, people, memoryMiB, before, after: await memory(), restMs, workerdCpuMs, stackCpuMs };
}

async function memory(): Promise<MemoryOf> {
  const heapMiB = await liveHeapMiB(app.inspector!);
  return { heapMiB, residentMiB: await residentMiB(app.pid()) };
}

/** The people come, chat, watch and leave; resolves with what they saw. */
async function send(crowd: typeof plan): Promise<PeopleReport> {
  const told = JSON.stringify({ url: app.url, ...crowd });
  const program = await startProgram([join(import.meta.dirname, "people.ts"), told], /saw (\{.*\})\n/);
  await program.close();
  return JSON.parse(program.match[1] ?? "") as PeopleReport;
}

function watchMemory(watched: WorkerdApp): { stop(): readonly number[] } {
  const samples: number[] = [];
  const timer = setInterval(() => {
    void residentMiB(watched.pid()).then((mib) => samples.push(mib));
  }, 1_000);
  return {
    stop() {
      clearInterval(timer);
      return samples;
    },
  };
}

function wholeNumber(option: string, text: string): number {
  const value = Number(text);
  if (!Number.isInteger(value) || value < 1) throw new Error(`${option} needs a whole number from 1.`);
  return value;
}
