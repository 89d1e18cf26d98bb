/** `npm run bench -- relay`: what it costs to relay a model's answer, and which stream construction is cheapest. */
import { measureRelays, type Sample } from "./relay/measure.ts";
import { chunkCount } from "./relay/upstream.ts";
import { spread } from "./spread.ts";

const rounds = 5;

/** Measures and returns the section of bench/RESULTS.md. */
export async function benchRelay(): Promise<string> {
  const samples = await measureRelays(rounds);
  return [
    `## Relay of a ${chunkCount}-chunk answer in bare workerd`,
    "",
    "CPU milliseconds per request: (utime + stime of the workerd process) / requests, so socket threads count too.",
    `Median of ${rounds} rounds, in brackets the lowest and highest; all relays in turn within each round.`,
    "",
    "`pass-through` hands the provider's bytes on. `frame-stream` is what the chat route uses; the next four are other ways",
    "to build the response body around the same decoder. `ai-sdk-parser` is the AI SDK's event parser and UI message stream without `streamText`.",
    "",
    "| relay | 300 writes, 2 ms apart | frames | one write | frames |",
    "|---|---|---|---|---|",
    ...samples
      .filter((sample) => sample.shape === "separate")
      .map((sample) =>
        row(
          sample,
          samples.find((other) => isTwin(sample, other))!,
        ),
      ),
    "",
  ].join("\n");
}

function isTwin(sample: Sample, other: Sample): boolean {
  return other.relay === sample.relay && other.shape === "coalesced";
}

function row(separate: Sample, coalesced: Sample): string {
  return `| \`${separate.relay}\` | ${spread(separate.cpuMs)} | ${separate.deltaCount} | ${spread(coalesced.cpuMs)} | ${coalesced.deltaCount} |`;
}
