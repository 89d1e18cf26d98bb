/** `node bench/relay.ts`: what it costs to relay a model's answer, and which stream construction is cheapest. */
import { cpus, release, totalmem } from "node:os";
import { writeFile } from "node:fs/promises";
import { join } from "node:path";
import { pathToFileURL } from "node:url";
import { measureRelays, type Sample } from "./relay/measure.ts";
import { chunkCount } from "./relay/upstream.ts";

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
    "to build the response body around the same decoder. `parse-every-line` is `frame-stream` with `JSON.parse` for each",
    "line, and without the client's timer and abort signal. `ai-sdk-parser` is the AI SDK's event parser and UI message stream without `streamText`.",
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

export function machineLine(): string {
  const cpu = cpus();
  return `${new Date().toISOString().slice(0, 10)}, ${cpu.length} × ${cpu[0]?.model.trim()}, ${Math.round(totalmem() / 2 ** 30)} GiB, Linux ${release()}, Node ${process.version}`;
}

function isTwin(sample: Sample, other: Sample): boolean {
  return other.relay === sample.relay && other.shape === "coalesced";
}

function row(separate: Sample, coalesced: Sample): string {
  return `| \`${separate.relay}\` | ${spread(separate)} | ${separate.deltaCount} | ${spread(coalesced)} | ${coalesced.deltaCount} |`;
}

function spread({ cpuMs }: Sample): string {
  const sorted = cpuMs.toSorted((a, b) => a - b);
  const [low, median, high] = [sorted[0], sorted[sorted.length >> 1], sorted.at(-1)];
  return `${median?.toFixed(2)} (${low?.toFixed(2)}–${high?.toFixed(2)})`;
}

if (import.meta.url === pathToFileURL(process.argv[1] ?? "").href) {
  const section = await benchRelay();
  console.log(section);
  if (process.argv.includes("--write")) {
    await writeFile(join(import.meta.dirname, "RESULTS.md"), `# Results\n\n${machineLine()}\n\n${section}`);
  }
}
