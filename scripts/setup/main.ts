/**
 * `npm run setup`: asks for the credentials, tries each one, and writes `.dev.vars`.
 *
 * The file is written once, at the end and as a whole; whoever leaves before finds it as it was. What it holds beside the
 * answers stays, comments included.
 *
 *   npm run setup -- --yes         nobody is asked: all comes from the environment and the file
 *   npm run setup -- --push        the values become secrets of the deployed Worker, too
 *   npm run setup -- --file .dev.vars.production
 */
import { cancel, intro, log, note, outro } from "@clack/prompts";
import { existsSync, readFileSync, statSync } from "node:fs";
import path from "node:path";
import { mendFor, readOptions, refuse } from "../environment/command-line.ts";
import { wrong } from "../environment/finding.ts";
import { devVarsFile } from "../environment/read-environment.ts";
import { mergeVars, readVars } from "../environment/vars-text.ts";
import { writeWhole } from "../environment/write-whole.ts";
import { gatherByAsking, gatherKnown, type Known } from "./gather.ts";
import { askYesNo, LeftError, tell } from "./person.ts";
import { push } from "./push.ts";
import { generated, groups, problemOf } from "./questions.ts";

const options = readOptions({
  yes: { type: "boolean", short: "y", default: false },
  push: { type: "boolean", default: false },
  file: { type: "string", default: devVarsFile },
});
const file = path.resolve(options.file);
const [folderThere, fileThere] = [path.dirname(file), file].map((each) => statSync(each, { throwIfNoEntry: false }));
if (folderThere?.isDirectory() !== true) refuse(`${path.dirname(file)} is no folder: ${file} cannot be written.`);
if (fileThere?.isDirectory() === true) refuse(`${file} is a folder: name a file in it.`);
const isSomebodyThere = process.stdin.isTTY;
const isAlone = options.yes || !isSomebodyThere;

intro("Skipstone setup");
try {
  process.exitCode = await setUp();
} catch (cause) {
  if (!(cause instanceof LeftError)) throw cause;
  cancel("You left; nothing was written.");
  process.exitCode = 130;
}

async function setUp(): Promise<number> {
  const isThere = existsSync(file);
  const text = isThere ? readFileSync(file, "utf8") : "";
  const inFile = readVars(text);
  const stated: Known = (name) => notBlank(process.env[name]);
  const known: Known = (name) => stated(name) ?? notBlank(inFile.get(name));
  if (isThere && !isSomebodyThere && !options.yes) {
    const again = mendFor("npm run setup -- --yes", file);
    log.error(`${file} is there already, and nobody is here to say whether it may change.\n→ ${again}`);
    return left();
  }
  if (isThere && !isAlone) {
    log.info(`${file} is there already. What you do not change stays as it is.`);
    if (!(await askYesNo("Change it?", true))) return left();
  }
  const changes = isAlone ? await gatherAlone(known, stated) : await gatherAsking(known);
  if (changes === undefined) return 1;
  for (const [name, make] of Object.entries(generated)) {
    if (!changes.has(name)) changes.set(name, known(name) ?? make());
  }
  for (const [name, value] of changes) if (inFile.get(name) === value) changes.delete(name);
  return save(isThere, text, changes);
}

function notBlank(value: string | undefined): string | undefined {
  return (value ?? "").trim() === "" ? undefined : value;
}

async function gatherAsking(known: Known): Promise<Map<string, string>> {
  const changes = new Map<string, string>();
  for (const group of groups) {
    log.step(`${group.title}\n${group.where}`);
    for (const [name, value] of Object.entries(await gatherByAsking(group, known))) changes.set(name, value);
  }
  for (const [name, problem] of wrongOfGenerated(known)) {
    log.error(problem);
    // A key that was mistyped may have sealed what is stored: that one nobody replaces by pressing Enter.
    const isReplaced = await askYesNo(`Replace ${name} by a fresh one?`, name !== "ENCRYPTION_KEYS");
    if (isReplaced) changes.set(name, generated[name]!());
  }
  return changes;
}

function wrongOfGenerated(known: Known): [string, string][] {
  return Object.keys(generated).flatMap((name): [string, string][] => {
    const problem = problemOf(name, known(name) ?? "");
    return known(name) === undefined || problem === undefined ? [] : [[name, problem]];
  });
}

/** `undefined` when something is missing or does not work, which is said. */
async function gatherAlone(known: Known, stated: Known): Promise<Map<string, string> | undefined> {
  const changes = new Map<string, string>();
  let isFine = true;
  for (const group of groups) {
    const { answers, findings, missing } = await gatherKnown(group, known, stated);
    tell(findings);
    for (const name of missing) log.error(`${name} is not set.\n→ ${group.where}`);
    isFine &&= missing.length === 0 && findings.every(({ isOk }) => isOk);
    for (const [name, value] of Object.entries(answers)) changes.set(name, value);
  }
  const malformed = wrongOfGenerated(known);
  tell(
    malformed.map(([name, problem]) => wrong(problem, `take ${name} away: a fresh one is made where there is none`)),
  );
  if (isFine && malformed.length === 0) return changes;
  cancel("Nothing was written.");
  return undefined;
}

async function save(isThere: boolean, text: string, changes: ReadonlyMap<string, string>): Promise<number> {
  if (changes.size === 0) log.info(`${file} has all of it already.`);
  else {
    note([...changes.keys()].join("\n"), `Goes into ${path.basename(file)}`);
    if (!isAlone && !(await askYesNo(isThere ? `Write them to ${file}?` : `Write ${file}?`, true))) return left();
    writeWhole(file, mergeVars(text, changes));
    log.success(`${file} is written; only you can read it.`);
  }
  const isToPush =
    options.push || (!isAlone && (await askYesNo("Make them secrets of the deployed Worker, too?", false)));
  if (isToPush && !(await push(file))) return 1;
  const next = file === devVarsFile ? "npm start" : mendFor("npm run deploy", file);
  outro(`Next: ${next}, then ${mendFor("npm run doctor", file)}.`);
  return 0;
}

function left(): number {
  cancel("Nothing was written.");
  return 1;
}
