/** `npm run bench -- engine`: what a durable step costs, here, elsewhere, and at the least. */
import { openContenders, floorName, quietName } from "./engine/contenders.ts";
import { measureGrowth, stretches, type Growth } from "./engine/growth.ts";
import { burst, measureSteps, rounds, sequence, type Sample } from "./engine/measure.ts";
import { measureReplays, type Replay } from "./engine/replays.ts";
import { openStage, type Bill, type Stage } from "./engine/stage.ts";
import { spread } from "./spread.ts";

const growthRounds = 3;

/** Measures and returns the section of bench/RESULTS.md. */
export async function benchEngine(): Promise<string> {
  const paid = await openStage("paid");
  const free = await openStage("free");
  try {
    const bills = [await billOf(paid, "count-quietly"), await billOf(paid, "count")];
    const contenders = await openContenders(paid);
    const samples = await measureSteps(contenders.list);
    await contenders.close();
    const growths: [Growth[], Growth[]] = [[], []];
    for (let round = 0; round < growthRounds; round += 1) {
      growths[0].push(await measureGrowth(paid, 10_000));
      growths[1].push(await measureGrowth(free, 1_000));
    }
    return [
      "## Durable steps",
      "",
      ...stepLines(samples),
      "",
      ...growthLines(growths),
      "",
      ...replayLines(await measureReplays()),
      "",
      ...billLines(bills),
      "",
    ].join("\n");
  } finally {
    await free.close();
    await paid.close();
  }
}

function stepLines(samples: readonly Sample[]): string[] {
  const floor = samples.find(({ contender }) => contender.name === floorName);
  const ratio = (values: readonly number[], base: readonly number[] = []): string =>
    spread(values.map((value, index) => value / (base[index] ?? Number.NaN)));
  return [
    `Trivial steps, each made durable before the next begins. Medians of ${rounds} rounds, in brackets the lowest and highest; all in turn within each round.`,
    `*ms a step*: (p50 of ${sequence.runs} runs of ${sequence.steps} steps − p50 of ${sequence.runs} runs of 1 step) / ${sequence.steps - 1}, one run after the other.`,
    `*runs/s*: ${burst.runs} runs of ${burst.steps} steps begun at once. *CPU*: of all processes that work for it, the server of its storage included, for each step of those.`,
    "× is the ratio to the bare floor in workerd within the same round: `HSET` lease, `RPUSH` for each step, `HSET`, by plain `fetch`.",
    "",
    "| | ms a step | × | runs/s | × | CPU ms a step | × |",
    "|---|---|---|---|---|---|---|",
    ...samples.map(({ contender, stepMs, runsPerSecond, stepCpuMs }) => {
      const cells = [
        [spread(stepMs), ratio(stepMs, floor?.stepMs)],
        [spread(runsPerSecond, 0), ratio(runsPerSecond, floor?.runsPerSecond)],
        [spread(stepCpuMs), ratio(stepCpuMs, floor?.stepCpuMs)],
      ];
      return `| ${contender.name} | ${cells.flat().join(" | ")} |`;
    }),
    "",
    "What a step that is done survives here:",
    "",
    ...samples.map(({ contender }) => `- ${contender.name}: ${contender.durability}.`),
  ];
}

function growthLines([paid, free]: readonly [readonly Growth[], readonly Growth[]]): string[] {
  const row = (name: string, growths: readonly Growth[]): string => {
    const cells = stretches.map((_stretch, index) => {
      const values = growths.map(({ stepMs }) => stepMs[index] ?? Number.NaN);
      return values.some(Number.isNaN) ? "" : spread(values);
    });
    return `| ${name} | ${spread(
      growths.map(({ segments }) => segments),
      0,
    )} | ${cells.join(" | ")} |`;
  };
  return [
    `A quiet run of 10,000 steps (\`paid\`) and one of 1,000 (\`free\`), ${growthRounds} times: milliseconds of a step from one place to another, the changes of segments included.`,
    "",
    `| profile | segments | ${stretches.map(([from, to]) => `${from} to ${to}`).join(" | ")} |`,
    `|---|---|${stretches.map(() => "---|").join("")}`,
    row("`paid`", paid),
    row("`free`", free),
  ];
}

function replayLines(replays: readonly Replay[]): string[] {
  return [
    "A segment begins by parsing the journal and going through the code up to its end. CPU of that in workerd, the request that asks for it included:",
    "",
    "| steps in the journal | KiB | CPU ms | CPU µs a step |",
    "|---|---|---|---|",
    ...replays.map(({ steps, kib, cpuMs }) => {
      const each = spread(
        cpuMs.map((ms) => (ms * 1_000) / steps),
        1,
      );
      return `| ${steps} | ${kib.toFixed(0)} | ${spread(cpuMs)} | ${each} |`;
    }),
  ];
}

/** Of one run, without what its HTTP request costs: the session and the rate limit. */
async function billOf(stage: Stage, definition: string): Promise<Bill> {
  // The first run of an isolate also reads what was learned of its definition.
  await stage.skipstone.start(definition, burst.steps);
  await stage.bill();
  await stage.skipstone.start(definition, burst.steps);
  return stage.bill();
}

function billLines(bills: readonly Bill[]): string[] {
  const names = [quietName, "skipstone, with events"];
  return [
    `What a run of ${burst.steps} steps is billed, by the stack's ledger; the request that starts it pays for its session and its rate limit besides.`,
    "",
    "| | commands | messages | of the request |",
    "|---|---|---|---|",
    ...bills.map(({ commands, messages, byCommand, byKeyPrefix }, index) => {
      const keyed = Object.entries(byKeyPrefix).filter(([prefix]) => prefix.startsWith("runs"));
      const ofRun = keyed.reduce((sum, [, count]) => sum + count, byCommand["PUBLISH"] ?? 0);
      return `| ${names[index]} | ${ofRun} | ${messages} | ${commands - ofRun} |`;
    }),
  ];
}
