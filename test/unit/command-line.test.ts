/** What the programs say of options that they cannot take, and of a file that is not `.dev.vars`. */
import { spawnSync } from "node:child_process";
import { mkdtempSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import path from "node:path";
import { describe, expect, it, onTestFinished } from "vitest";
import { mendFor, statedFile } from "../../scripts/environment/command-line.ts";
import { devVarsFile } from "../../scripts/environment/read-environment.ts";

const timeout = 60_000;
const env = { PATH: process.env["PATH"] ?? "" };

function run(program: string, ...args: readonly string[]): { status: number | null; shown: string } {
  const { status, stdout, stderr } = spawnSync(process.execPath, [`scripts/${program}`, ...args], {
    env,
    encoding: "utf8",
  });
  return { status, shown: stdout + stderr };
}

function newFile(text: string): string {
  const folder = mkdtempSync(path.join(tmpdir(), "option-"));
  onTestFinished(() => rmSync(folder, { recursive: true }));
  const file = path.join(folder, "prod.vars");
  writeFileSync(file, text);
  return file;
}

describe("a program", { timeout }, () => {
  it.each([
    ["doctor/main.ts", "--bogus", "Unknown option '--bogus'\n"],
    ["setup/main.ts", "--bogus", "Unknown option '--bogus'\n"],
    ["deploy/main.ts", "--bogus", "Unknown option '--bogus'\n"],
    ["setup/main.ts", "--file=/nodir/x.vars", "/nodir is no folder: /nodir/x.vars cannot be written.\n"],
    ["setup/main.ts", "--file=/tmp", "/tmp is a folder: name a file in it.\n"],
    ["doctor/main.ts", "--file=/nope", "/nope, which --file names, is no file.\n→ npm run setup -- --file /nope\n"],
    ["deploy/main.ts", "--file=/nope", "/nope, which --file names, is no file.\n→ npm run setup -- --file /nope\n"],
    ["runs/check-runs.ts", "--file=/nope", "/nope, which --file names, is no file.\n"],
  ])("%s with %s says so in words, and does nothing", (program, option, words) => {
    expect(run(program, option)).toEqual({ status: 2, shown: words });
  });

  it("setup without a person leads on to the file that it was given, and leaves it as it is", () => {
    const file = newFile("MODEL_NAME=m\n");
    const { status, shown } = run("setup/main.ts", "--file", file);
    expect(shown).toContain(`npm run setup -- --file ${file} --yes`);
    expect(status).toBe(1);
    expect(readFileSync(file, "utf8")).toBe("MODEL_NAME=m\n");
  });

  it("doctor examines the file that it was given, and nothing of npm start; its mends name that file", () => {
    const file = newFile("LOG_LEVEL=loud\nQUEUE=fetch\n");
    const { status, shown } = run("doctor/main.ts", "--file", file);
    expect(shown).not.toContain("npm start");
    expect(shown).toContain(`→ the line LOG_LEVEL=info in ${file}, or none of LOG_LEVEL`);
    expect(shown).toMatch(/✗ MODEL_NAME is not set.*\n +→ npm run setup -- --file .*prod\.vars\n/);
    expect(status).toBe(1);
  });
});

describe("a mend", () => {
  it.each([
    ["npm run setup", "npm run setup -- --file a.vars"],
    ["npm run setup -- --push", "npm run setup -- --file a.vars --push"],
    ["unset X, then npm run setup", "unset X, then npm run setup -- --file a.vars"],
    ["npm run doctor, later", "npm run doctor -- --file a.vars, later"],
    [
      "npm run deploy -- --env paid, and the line WORKERS_PLAN=paid in .dev.vars",
      "npm run deploy -- --file a.vars --env paid, and the line WORKERS_PLAN=paid in a.vars",
    ],
    ["npm start", "npm start"],
  ])("%j for another file is %j, and for .dev.vars stays as it is", (mend, forOther) => {
    expect(mendFor(mend, path.resolve("a.vars"))).toBe(forOther);
    expect(mendFor(mend, devVarsFile)).toBe(mend);
  });

  it("quotes a name that the shell would take apart", () => {
    expect(mendFor("npm run setup", "/my vars")).toBe("npm run setup -- --file '/my vars'");
  });
});

it(".dev.vars need not be there, by name or without one", () => {
  expect(statedFile(undefined)).toBe(devVarsFile);
  expect(statedFile(".dev.vars")).toBe(devVarsFile);
});
