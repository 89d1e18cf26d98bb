/** `npm run deploy`: its steps in their order, over programs that only say that they ran. The real ones run in `npm test`, as a dry run for each plan. */
import { spawnSync } from "node:child_process";
import { mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import path from "node:path";
import { describe, expect, it, onTestFinished } from "vitest";
import { deploy, type DeployOptions } from "../../scripts/deploy/deploy.ts";
import { ok, wrong, type Finding } from "../../scripts/environment/finding.ts";
import { isPublicUrl } from "../../scripts/environment/is-public-url.ts";
import { readOwn } from "../../scripts/environment/read-environment.ts";

const checks = "scripts/tasks/check.ts";
const liveRuns = "scripts/runs/check-runs.ts --file .dev.vars.production";
const wrangler = "node_modules/wrangler/bin/wrangler.js deploy --env";
const smokeTest = "ask https://chat.example.com";

interface Outcome {
  readonly exitCode: number;
  /** What ran, in order. */
  readonly ran: readonly string[];
  readonly printed: string;
}

/** @param failing the exit code of the program that fails, by its name. */
async function deployed(
  over: Partial<DeployOptions> = {},
  failing: Readonly<Record<string, number>> = {},
  findings: readonly Finding[] = [ok("The app is ready.")],
): Promise<Outcome> {
  const ran: string[] = [];
  const printed: string[] = [];
  const options = {
    isDry: false,
    isNew: false,
    skipsChecks: false,
    plan: "free",
    appUrl: "https://chat.example.com",
    file: ".dev.vars.production",
  } as const;
  const exitCode = await deploy(
    { ...options, ...over },
    {
      run(program, ...args) {
        ran.push([program, ...args].join(" "));
        return failing[program] ?? 0;
      },
      buildWeb: () => Promise.resolve(ran.push("build the web app")),
      examine: (appUrl) => Promise.resolve((ran.push(`ask ${appUrl}`), findings)),
      print: (line) => printed.push(line),
    },
  );
  return { exitCode, ran, printed: printed.join("\n") };
}

describe("a deploy", () => {
  it("checks, asks about live runs, builds, uploads, and asks what is deployed", async () => {
    const { exitCode, ran } = await deployed();
    expect(ran).toEqual([checks, liveRuns, "build the web app", `${wrangler} `, smokeTest]);
    expect(exitCode).toBe(0);
  });

  it.each<[string, Partial<DeployOptions>, string[]]>([
    ["that is new asks about no live runs", { isNew: true }, [checks, "build the web app", `${wrangler} `, smokeTest]],
    ["that is dry uploads nothing", { isDry: true }, [checks, "build the web app", `${wrangler}  --dry-run`]],
    [
      "to the paid plan says so to wrangler",
      { plan: "paid" },
      [checks, liveRuns, "build the web app", `${wrangler} paid`, smokeTest],
    ],
    [
      "that is dry and checked already only builds",
      { isDry: true, skipsChecks: true },
      ["build the web app", `${wrangler}  --dry-run`],
    ],
  ])("%s", async (_what, over, expected) => {
    expect((await deployed(over)).ran).toEqual(expected);
  });

  it.each([
    ["a check", "scripts/tasks/check.ts", 1, "Checks", [checks]],
    ["a live run that would diverge", "scripts/runs/check-runs.ts", 1, "Live runs", [checks, liveRuns]],
    ["live runs that cannot be asked", "scripts/runs/check-runs.ts", 2, "Live runs", [checks, liveRuns]],
  ])("is stopped by %s, before anything is built or uploaded", async (_what, program, code, title, expected) => {
    const { exitCode, ran, printed } = await deployed({}, { [program]: code });
    expect(ran).toEqual(expected);
    expect(exitCode).toBe(code);
    expect(printed).toContain(`Stopped at: ${title}. Nothing after it was done.`);
  });

  it("that is not uploaded is not asked after", async () => {
    const { exitCode, ran } = await deployed({}, { "node_modules/wrangler/bin/wrangler.js": 3 });
    expect(ran.at(-1)).toBe(`${wrangler} `);
    expect(exitCode).toBe(3);
  });

  it("that does not answer exits 1, and says how to go back", async () => {
    const { exitCode, printed } = await deployed({}, {}, [wrong("The app is not ready.", "npm run setup -- --push")]);
    expect(exitCode).toBe(1);
    expect(printed).toContain("✗ The app is not ready. → npm run setup -- --push");
    expect(printed).toContain("npx wrangler rollback");
  });
});

describe("the program", () => {
  const start = (args: readonly string[], appUrl: string): { status: number | null; stderr: string } => {
    const folder = mkdtempSync(path.join(tmpdir(), "deploy-"));
    onTestFinished(() => rmSync(folder, { recursive: true }));
    const file = path.join(folder, ".dev.vars");
    writeFileSync(file, `APP_URL=${appUrl}\n`);
    const env = { PATH: process.env["PATH"] ?? "" };
    return spawnSync(process.execPath, ["scripts/deploy/main.ts", "--file", file, ...args], { env, encoding: "utf8" });
  };

  it.each([
    ["the address of npm start", [], "http://127.0.0.1:8787", "APP_URL is http://127.0.0.1:8787, which"],
    ["no address", [], "", "APP_URL is not set"],
    ["a plan that there is not", ["--env", "large"], "https://chat.example.com", "--env is free or paid"],
    ["an upload without checks", ["--skip-checks"], "https://chat.example.com", "nothing is uploaded unchecked"],
  ])("begins nothing with %s", { timeout: 30_000 }, (_what, args, appUrl, words) => {
    const { status, stderr } = start(args, appUrl);
    expect(stderr).toContain(words);
    expect(status).toBe(2);
  });
});

describe("an address", () => {
  it.each([
    ["https://chat.example.com", true],
    ["https://skipstone.somebody.workers.dev", true],
    ["http://127.0.0.1:8787", false],
    ["http://localhost:8787", false],
    ["http://[::1]:8787", false],
    ["http://192.168.0.7", false],
    ["http://172.16.0.1", false],
    ["https://chat.corp", false],
    ["chat.example.com", false],
    ["", false],
  ])("%s is one that the internet reaches: %s", (url, isPublic) => {
    expect(isPublicUrl(url)).toBe(isPublic);
  });
});

describe("what a person has set", () => {
  it("is what stands in the environment, else in the file; an empty value is none", () => {
    const folder = mkdtempSync(path.join(tmpdir(), "own-"));
    onTestFinished(() => rmSync(folder, { recursive: true }));
    const file = path.join(folder, ".dev.vars");
    writeFileSync(file, "APP_URL=https://chat.example.com\nMODEL_NAME=m\nLOG_LEVEL=\n");
    const own = readOwn(file, { MODEL_NAME: "other", LOG_LEVEL: " ", HOME: "/" });
    expect(Object.fromEntries(own)).toEqual({
      APP_URL: { value: "https://chat.example.com", source: ".dev.vars" },
      MODEL_NAME: { value: "other", source: "environment" },
    });
  });
});
