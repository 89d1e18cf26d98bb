/** What the programs have in common that take options: what they cannot take is said in words, before anything is done. */
import { statSync } from "node:fs";
import path from "node:path";
import { parseArgs, type ParseArgsOptionsConfig } from "node:util";
import type { Finding } from "./finding.ts";
import { devVarsFile } from "./read-environment.ts";

/** The options that were given; for one that there is not, says so and ends the program. */
export function readOptions<const T extends ParseArgsOptionsConfig>(options: T) {
  try {
    return parseArgs({ options }).values;
  } catch (cause) {
    // Behind its first sentence Node tells of positional arguments, which nobody here takes.
    return refuse((cause instanceof Error ? cause.message : String(cause)).split(". ")[0]!);
  }
}

export function refuse(words: string): never {
  console.error(words);
  process.exit(2);
}

/**
 * The file that `--file` names, which must be there; `.dev.vars`, which need not be, without it.
 *
 * @throws Error in words
 */
export function statedFile(option: string | undefined): string {
  const file = path.resolve(option ?? devVarsFile);
  if (file !== devVarsFile && statSync(file, { throwIfNoEntry: false })?.isFile() !== true) {
    throw new Error(`${file}, which --file names, is no file.`);
  }
  return file;
}

/** The same, or the end of the program with what makes the file. */
export function statedFileOrEnd(option: string): string {
  try {
    return statedFile(option);
  } catch (cause) {
    return refuse(`${(cause as Error).message}\n→ npm run setup -- --file ${option}`);
  }
}

export function findingFor(finding: Finding, file: string): Finding {
  return finding.mend === undefined ? finding : { ...finding, mend: mendFor(finding.mend, file) };
}

/** A mend is worded for `.dev.vars`; for another file its commands and its lines name that one. */
export function mendFor(mend: string, file: string): string {
  if (file === devVarsFile) return mend;
  return mend
    .replace(
      /\bnpm run (setup|doctor|deploy)\b(?: --(?= ))?/,
      (_command, script) => `npm run ${script} -- ${fileOption(file)}`,
    )
    .replace("in .dev.vars", () => `in ${shownFile(file)}`);
}

export function fileOption(file: string): string {
  return `--file ${shownFile(file)}`;
}

/** From where npm scripts run, if it is below. */
function shownFile(file: string): string {
  const below = path.relative(process.cwd(), file);
  const shown = below.startsWith("..") ? file : below;
  return /^[\w./@%+=:,-]+$/.test(shown) ? shown : `'${shown}'`;
}
