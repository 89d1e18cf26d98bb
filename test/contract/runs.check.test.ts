/** Before a deploy: `npm run check:runs` and `npm run replay` as processes, over the runs of the real app in Redis. */
import { spawn } from "node:child_process";
import { mkdtemp, rm, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import path from "node:path";
import { afterEach, beforeEach, describe, expect, it } from "vitest";
import * as z from "zod/mini";
import { defineRun, createRunRegistry, type AnyRunDefinition } from "../../src/engine/run-definition.ts";
import { systemClock } from "../../src/system/clock.ts";
import { upstashClient } from "../../src/upstash/batch.ts";
import { Secret } from "../../src/core/secret.ts";
import { upstashLiveRuns } from "../../src/upstash/due-registry.ts";
import { upstashJournal } from "../../src/upstash/journal.ts";
import type { RunServices } from "../../src/wire/runs.ts";
import { checkLiveRuns, type LiveRunsReport } from "../../scripts/runs/check-live-runs.ts";
import { appBindings } from "../../stack/app-bindings.ts";
import { dinnerRequest } from "../support/dinner.ts";
import { rawJournal, redisCommand, runClient, type RunClient } from "../support/run-client.ts";
import { inClear, startTestApp, type TestApp, type TestCaller } from "../support/test-app.ts";
import { toldSteps, waitForGo } from "../support/test-runs.ts";

let app: TestApp;
let caller: TestCaller;
let runs: RunClient;
let folder: string;
beforeEach(async () => {
  app = await startTestApp({ definitions: [toldSteps, waitForGo], bindings: inClear });
  caller = await app.signIn();
  runs = runClient(caller);
  folder = await mkdtemp(path.join(tmpdir(), "skipstone-replay-"));
});
afterEach(async () => {
  await app.close();
  await rm(folder, { recursive: true });
});

interface Ended {
  readonly code: number | null;
  readonly printed: string;
  readonly complaints: string;
}

async function script(name: string, args: readonly string[], env: Record<string, string> = {}): Promise<Ended> {
  const redis = { UPSTASH_REDIS_REST_URL: app.stack.redisUrl, UPSTASH_REDIS_REST_TOKEN: app.stack.redisToken };
  const child = spawn(process.execPath, [`scripts/runs/${name}.ts`, ...args], {
    stdio: ["ignore", "pipe", "pipe"],
    env: { PATH: process.env["PATH"], ...redis, ...env },
  });
  let printed = "";
  let complaints = "";
  child.stdout.on("data", (chunk: Buffer) => void (printed += chunk.toString()));
  child.stderr.on("data", (chunk: Buffer) => void (complaints += chunk.toString()));
  const code = await new Promise<number | null>((resolve) => child.once("close", resolve));
  return { code, printed, complaints };
}

async function dinner(): Promise<string> {
  const runId = await runs.start("book-dinner", dinnerRequest(Date.now()));
  await app.settled();
  return runId;
}

/** As if another build had written it: the step `from` has the name `to` in the journal. */
async function renameStep(runId: string, from: string, to: string): Promise<void> {
  const entries = await rawJournal(app.stack, { userId: caller.userId, runId });
  const index = entries.findIndex((entry) => entry.includes(JSON.stringify(from)));
  const key = `runs:{${caller.userId}}:${runId}:journal`;
  await redisCommand(app.stack, [
    "LSET",
    key,
    index,
    entries[index]!.replaceAll(JSON.stringify(from), JSON.stringify(to)),
  ]);
}

/** Against a build that has these definitions alone. */
function check(definitions: readonly AnyRunDefinition<RunServices>[]): Promise<LiveRunsReport> {
  const token = new Secret(app.stack.redisToken);
  const redis = upstashClient({ url: app.stack.redisUrl, token, timeoutMs: 5_000 });
  return checkLiveRuns({
    pages: upstashLiveRuns(redis),
    journal: upstashJournal(redis, systemClock),
    build: { registry: createRunRegistry(definitions), services: {} as RunServices },
  });
}

/** A run that waits, and copies of it. */
async function waitingRuns(count: number): Promise<string[]> {
  const { userId } = caller;
  const runId = await runs.start("wait-for-go");
  await app.settled();
  const copies = Array.from({ length: count - 1 }, (_copy, index) => `run_${String(index).padStart(32, "0")}`);
  for (const copy of copies) {
    await redisCommand(app.stack, ["COPY", `runs:{${userId}}:${runId}:journal`, `runs:{${userId}}:${copy}:journal`]);
    await redisCommand(app.stack, ["ZADD", "runs:due", Date.now(), `${userId}/${copy}`]);
  }
  return [runId, ...copies];
}

// Each starts processes, on a machine that may have other things to do.
describe("npm run check:runs", { timeout: 120_000 }, () => {
  it("finds nothing where this build goes the way of each live run, and counts those alone", async () => {
    await dinner();
    await runs.act(await dinner(), "cancel");
    await app.settled();
    const { code, printed } = await script("check-runs", []);
    expect([code, printed]).toEqual([0, "1 live runs, and this build goes the way of each.\n"]);
  });

  it("lists a run that would diverge with both step names, and exits with 1", async () => {
    const runId = await dinner();
    await dinner();
    await renameStep(runId, "charge-deposit", "charge");
    const { code, printed } = await script("check-runs", []);
    expect(code).toBe(1);
    const [first, last] = printed.split("\n");
    expect(first).toBe(
      `${runId} of ${caller.userId}, book-dinner@1, waiting: The journal has step "charge" where the code asks for "charge-deposit". The code is not the one that wrote this journal, or it asks for steps inside of a step's body.`,
    );
    expect(last).toMatch(/^1 of 2 live runs would be parked by this build\./);
  });

  it("--json says the same to programs", async () => {
    const runId = await dinner();
    await renameStep(runId, "charge-deposit", "charge");
    const { code, printed } = await script("check-runs", ["--json"]);
    expect([code, JSON.parse(printed)]).toEqual([
      1,
      {
        checked: 1,
        diverged: [
          {
            userId: caller.userId,
            runId,
            definition: "book-dinner@1",
            status: "waiting",
            step: "charge",
            message: expect.stringContaining('where the code asks for "charge-deposit"'),
          },
        ],
      },
    ]);
  });

  it("lists a run whose definition the build no longer has", async () => {
    const [runId] = await waitingRuns(1);
    const { code, printed } = await script("check-runs", []);
    expect([code, printed]).toEqual([1, expect.stringContaining('This build has no "wait-for-go" of version 1.')]);
    expect(printed).toContain(runId);
  });

  it("changes nothing", async () => {
    const runId = await dinner();
    const ref = { userId: caller.userId, runId };
    const before = await rawJournal(app.stack, ref);
    const due = await redisCommand(app.stack, ["ZRANGE", "runs:due", 0, -1, "WITHSCORES"]);
    await script("check-runs", []);
    expect(await rawJournal(app.stack, ref)).toEqual(before);
    expect(await redisCommand(app.stack, ["ZRANGE", "runs:due", 0, -1, "WITHSCORES"])).toEqual(due);
  });

  it.each([
    ["nothing says where Redis is", { UPSTASH_REDIS_REST_URL: "", APP_PORT: "0" }, "UPSTASH_REDIS_REST_URL"],
    ["Redis is not there", { UPSTASH_REDIS_REST_URL: "http://127.0.0.1:9" }, ""],
    ["the token is wrong", { UPSTASH_REDIS_REST_TOKEN: "wrong" }, ""],
  ])("exits with 2 when %s, and shows no secret", async (_when, env, name) => {
    const { code, printed, complaints } = await script("check-runs", [], env);
    expect([code, printed]).toEqual([2, ""]);
    expect(complaints).toContain(name);
    expect(complaints).not.toBe("");
    expect(complaints).not.toContain(app.stack.redisToken);
  });

  it("reads journals that are sealed with the keys of the app, and says where it has no key that opens them", async () => {
    const keys = appBindings(app.stack, app.url)["ENCRYPTION_KEYS"] ?? "";
    app.rebind({ ENCRYPTION_KEYS: keys });
    const runId = await dinner();
    expect((await rawJournal(app.stack, { userId: caller.userId, runId })).join()).not.toContain("charge-deposit");
    const { code, printed } = await script("check-runs", [], { ENCRYPTION_KEYS: keys });
    expect([code, printed]).toEqual([0, "1 live runs, and this build goes the way of each.\n"]);
    const keyless = await script("check-runs", []);
    expect(keyless.code).not.toBe(0);
    expect(keyless.printed + keyless.complaints).not.toBe("");
  });

  it("exits with 2 for an option that it does not have", async () => {
    expect((await script("check-runs", ["--fix"])).code).toBe(2);
  });
});

describe("a changed definition", () => {
  const renamed = defineRun({ ...waitForGo, run: async (ctx) => ctx.step("get-ready", () => "ready") });
  const longer = defineRun({
    ...waitForGo,
    run: async (ctx) => (await ctx.step("prepare", () => "ready"), ctx.step("and-more", () => "more")),
  });
  const shorter = defineRun({ ...waitForGo, run: async () => "nothing to do" });

  it("with a step renamed is found, for each of more runs than one page holds", async () => {
    const ids = await waitingRuns(60);
    const { checked, diverged } = await check([renamed]);
    expect(checked).toBe(60);
    expect(diverged.map(({ runId }) => runId).toSorted()).toEqual(ids.toSorted());
    expect(new Set(diverged.map(({ message }) => message))).toEqual(
      new Set([
        'The journal has step "prepare" where the code asks for "get-ready". The code is not the one that wrote this journal, or it asks for steps inside of a step\'s body.',
      ]),
    );
  });

  it("that no longer asks for a step is found; what is not decided yet may change, a wait among it", async () => {
    await waitingRuns(1);
    expect((await check([shorter])).diverged).toMatchObject([
      { step: "prepare", message: expect.stringContaining("the code has ended without asking for it") },
    ]);
    expect((await check([longer])).diverged).toEqual([]);
  });

  it("whose schema no longer takes the input of a run is found", async () => {
    await waitingRuns(1);
    const stricter = { ...waitForGo, input: z.object({ timeoutMs: z.number() }) };
    expect((await check([stricter])).diverged).toMatchObject([{ message: expect.stringContaining("no longer fits") }]);
  });

  it("of another version disturbs no run of the old one that is still there", async () => {
    await waitingRuns(1);
    expect(await check([waitForGo, { ...renamed, version: 2 }])).toEqual({ checked: 1, diverged: [] });
  });
});

describe("a run whose code has changed after all", () => {
  it("is parked with both step names and nothing overwritten, and goes on with the right code", async () => {
    const [runId = ""] = await waitingRuns(1);
    await renameStep(runId, "prepare", "get-ready");
    const ref = { userId: caller.userId, runId };
    const before = await rawJournal(app.stack, ref);
    await runs.act(runId, "signal", { name: "go", payload: 7 });
    await app.settled();
    expect(await runs.view(runId)).toMatchObject({
      status: "parked",
      step: "get-ready",
      failure: { code: "run_diverged", message: expect.stringContaining('the code asks for "prepare"') },
    });
    expect((await rawJournal(app.stack, ref)).slice(0, before.length)).toEqual(before);
    await renameStep(runId, "get-ready", "prepare");
    expect(await runs.act(runId, "resume")).toBe(202);
    await app.settled();
    expect(await runs.view(runId)).toMatchObject({ status: "completed", output: { kind: "received", payload: 7 } });
  });
});

describe("npm run replay", { timeout: 120_000 }, () => {
  async function save(runId: string, change: (file: Record<string, unknown>) => object = (file) => file) {
    const file = (await (await caller.fetch(`/api/runs/${runId}/file`)).json()) as Record<string, unknown>;
    const name = path.join(folder, `${runId}.json`);
    await writeFile(name, JSON.stringify(change(file)));
    return name;
  }

  it("takes a run file to the next step of the run without any Redis", async () => {
    const runId = await dinner();
    const noRedis = { UPSTASH_REDIS_REST_URL: "", UPSTASH_REDIS_REST_TOKEN: "" };
    const { code, printed } = await script("replay-file", [await save(runId)], noRedis);
    expect([code, printed]).toEqual([0, expect.stringContaining('the next step is "guest-confirms"')]);
  });

  it("exits with 1 for a run that another code wrote, and names both steps", async () => {
    const runId = await dinner();
    await renameStep(runId, "charge-deposit", "charge");
    const { code, printed } = await script("replay-file", ["--json", await save(runId)]);
    expect([code, JSON.parse(printed)]).toMatchObject([1, { runId, kind: "diverged", step: "charge" }]);
    expect(printed).toContain("charge-deposit");
  });

  it.each([
    ["a file of another format version", { formatVersion: 2 }],
    ["one without a journal", { journal: [] }],
    ["another kind of file", { format: "something" }],
  ])("exits with 2 for %s", async (_what, change) => {
    const name = await save(await dinner(), (file) => ({ ...file, ...change }));
    const { code, complaints } = await script("replay-file", [name]);
    expect([code, complaints]).toEqual([2, `${name} is no run file of a format that this build knows.\n`]);
  });

  it("exits with 2 and says how it is called, or what is wrong with the file", async () => {
    const broken = path.join(folder, "broken.json");
    await writeFile(broken, "{");
    expect(await script("replay-file", [])).toMatchObject({ code: 2, complaints: expect.stringContaining("Usage") });
    expect(await script("replay-file", [broken])).toMatchObject({
      code: 2,
      complaints: expect.stringContaining(`${broken} cannot be read`),
    });
    expect((await script("replay-file", [path.join(folder, "missing.json")])).complaints).toContain("ENOENT");
  });
});
