/** `bench/RESULTS.md`: a section for each bench, with the day and the machine on which it ran. */
import { cpus, loadavg, release, totalmem } from "node:os";

const title = "# Results\n";

/** The document with this section in place of the one with its heading, or at the end. `section` begins with its heading. */
export function withSection(results: string, section: string): string {
  const [heading = "", ...rest] = section.split("\n");
  const dated = [heading, "", machineLine(), ...rest].join("\n");
  const sections = results.split(/^(?=## )/m).slice(1);
  const index = sections.findIndex((other) => other.startsWith(`${heading}\n`));
  if (index < 0) sections.push(dated);
  else sections[index] = dated;
  return `${title}\n${sections.map((text) => text.trimEnd()).join("\n\n")}\n`;
}

/** The load tells whether others were at work: a bench alone keeps it near the number of cores, or below. */
export function machineLine(): string {
  const cpu = cpus();
  return [
    new Date().toISOString().slice(0, 10),
    `${cpu.length} × ${cpu[0]?.model.trim()}`,
    `${Math.round(totalmem() / 2 ** 30)} GiB`,
    `Linux ${release()}`,
    `Node ${process.version}`,
    `load ${loadavg()[0]?.toFixed(1)} at the end`,
  ].join(", ");
}
