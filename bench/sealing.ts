/** `npm run bench -- sealing`: what encryption at rest adds to a durable step. */
import type { Contender } from "./engine/contender.ts";
import { compareSteps, sequence } from "./engine/measure.ts";
import { untilCompleted } from "./engine/run-end.ts";
import { openStage, type Stage } from "./engine/stage.ts";
import { spread } from "./spread.ts";

const rounds = 15;
const runs = 40;
const keys = { ENCRYPTION_KEYS: `bench:${btoa("a-key-of-the-bench-with-32-bytes")}` };

/** Measures and returns the section of bench/RESULTS.md. */
export async function benchSealing(): Promise<string> {
  const clear = await openStage("paid");
  const sealed = await openStage("paid", keys);
  try {
    const compare = (kind: string, definition: string) =>
      compareSteps(
        contender(`in clear, ${kind}`, clear, definition),
        contender(`sealed, ${kind}`, sealed, definition),
        { rounds, runs },
      );
    const samples = [...(await compare("quiet", "count-quietly")), ...(await compare("with events", "count"))];
    return [
      "## Encryption at rest",
      "",
      `Trivial steps, as under "Durable steps", with and without \`ENCRYPTION_KEYS\`. Medians of ${rounds} rounds, in brackets the lowest and highest.`,
      `*ms a step*: of ${runs} runs of ${sequence.steps} steps, one after the other, those in clear and those that are sealed by turns. × is the ratio to the same in clear within the same round.`,
      "",
      "| | ms a step | × | CPU ms a step | × |",
      "|---|---|---|---|---|",
      ...samples.map(({ contender: { name }, stepMs, stepCpuMs }, index) => {
        const base = samples[index - (index % 2)]!;
        return `| ${name} | ${spread(stepMs)} | ${ratio(stepMs, base.stepMs)} | ${spread(stepCpuMs)} | ${ratio(stepCpuMs, base.stepCpuMs)} |`;
      }),
      "",
    ].join("\n");
  } finally {
    await sealed.close();
    await clear.close();
  }
}

function contender(name: string, stage: Stage, definition: string): Contender {
  return {
    name,
    durability: "",
    cpuMs: async () => (await stage.workerCpuMs()) + (await stage.stackCpuMs()),
    async run(steps) {
      await untilCompleted(stage, await stage.skipstone.start(definition, steps));
    },
  };
}

function ratio(values: readonly number[], base: readonly number[]): string {
  return spread(values.map((value, index) => value / (base[index] ?? Number.NaN)));
}
