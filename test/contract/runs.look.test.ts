/** Looking at runs over the real app: list, run, journal, receipt, preview, file and its replay; and whose they are. */
import { afterAll, beforeAll, beforeEach, describe, expect, it } from "vitest";
import { limits } from "../../src/core/limits.ts";
import { replayRun, type RunFile } from "../../src/engine/run-file.ts";
import { createRunRegistry } from "../../src/engine/run-definition.ts";
import type { RunView } from "../../src/engine/run-view.ts";
import type { RunServices } from "../../src/wire/runs.ts";
import { redisCommand, runClient, type RunClient } from "../support/run-client.ts";
import { startTestApp, type TestApp, type TestCaller } from "../support/test-app.ts";
import { quietSteps, toldSteps, waitForGo } from "../support/test-runs.ts";

const unknownRun = `run_${"0".repeat(32)}`;

let app: TestApp;
let caller: TestCaller;
let runs: RunClient;
beforeAll(async () => {
  app = await startTestApp({ definitions: [toldSteps, quietSteps, waitForGo] });
});
// The limit of requests holds for each user.
beforeEach(async () => {
  caller = await app.signIn();
  runs = runClient(caller);
});
afterAll(() => app.close());

async function get(path: string, by: TestCaller = caller) {
  const response = await by.fetch(path);
  return { status: response.status, json: (await response.json()) as Record<string, any> };
}

async function ended(count: number): Promise<string> {
  const runId = await runs.start("told-steps", { count });
  await app.settled();
  return runId;
}

async function waiting(): Promise<string> {
  const runId = await runs.start("wait-for-go");
  await app.settled();
  return runId;
}

describe("a run", () => {
  it("shows what it is, how far it is and what came out", async () => {
    const runId = await ended(3);
    expect(await runs.view(runId)).toEqual({
      runId,
      definition: "told-steps",
      version: 1,
      executor: "segments",
      status: "completed",
      startedAt: expect.any(Number),
      updatedAt: expect.any(Number),
      segments: 1,
      steps: 3,
      output: 3,
    });
  });

  it("shows what it waits for and until when", async () => {
    const view = await runs.view(await waiting());
    const untilMs = view.startedAt + limits.waitMsMax;
    expect(view).toMatchObject({ status: "waiting", waits: [{ step: "go", signal: "go" }] });
    expect(Math.abs((view.wakesAt ?? 0) - untilMs)).toBeLessThan(60_000);
  });
});

describe("the list of runs", () => {
  it("has the newest first and is paged without a gap or a double", async () => {
    const started: string[] = [];
    for (let index = 0; index <= limits.runsPageMax * 2; index += 1) {
      started.push(await runs.start("told-steps", { count: 0 }));
    }
    await app.settled();
    expect((await get("/api/runs")).json["runs"]).toHaveLength(limits.runsPageMax);
    expect(await allOf(caller)).toEqual(started.toReversed());
  });

  it("leaves outputs out and is empty for a user without runs", async () => {
    expect((await get("/api/runs")).json).toEqual({ runs: [] });
    await ended(1);
    const { json } = await get("/api/runs");
    expect(json["runs"]).toHaveLength(1);
    expect(json["runs"][0]).not.toHaveProperty("output");
  });

  it("has runs that started in the same millisecond on one page or the next, each once", async () => {
    const ids = await addToList(caller, limits.runsPageMax * 2 + 5);
    expect((await allOf(caller)).toSorted()).toEqual(ids);
  });

  it("that loses expired runs on the way still has each of the others once", async () => {
    const ids = await addToList(caller, limits.runsPageMax + 5);
    // Redis lists those of one millisecond from the last name to the first: these stand on the first page.
    for (const runId of ids.slice(-3)) await expire(runId);
    expect((await allOf(caller)).toSorted()).toEqual(ids.slice(0, -3));
  });

  it("forgets runs whose journal has expired", async () => {
    await expire(await ended(0));
    expect((await get("/api/runs")).json).toEqual({ runs: [] });
    expect(await redisCommand(app.stack, ["ZCARD", `runs:{${caller.userId}}`])).toBe(0);
  });

  it.each(["", "now", "-1", "1e3", "5", "5-", "1".repeat(40)])("refuses ?before=%s with 400", async (before) => {
    const { status, json } = await get(`/api/runs?before=${before}`);
    expect([status, json["code"]]).toEqual([400, "invalid_cursor"]);
  });

  /** Runs that all have started in one millisecond. */
  async function addToList({ userId }: TestCaller, count: number): Promise<string[]> {
    const ids = Array.from({ length: count }, (_id, index) => `run_${String(index).padStart(32, "0")}`);
    for (const runId of ids) {
      await redisCommand(app.stack, ["ZADD", `runs:{${userId}}`, 1_800_000_000_000, runId]);
      const started = `- 0 1800000000000 started {"definition":"told-steps","version":1}`;
      await redisCommand(app.stack, ["RPUSH", `runs:{${userId}}:${runId}:journal`, started]);
    }
    return ids;
  }

  async function expire(runId: string): Promise<void> {
    await redisCommand(app.stack, ["DEL", `runs:{${caller.userId}}:${runId}:journal`]);
  }

  async function allOf(owner: TestCaller): Promise<string[]> {
    const listed: string[] = [];
    for (let path: string | undefined = "/api/runs"; path !== undefined;) {
      const { json } = await get(path, owner);
      listed.push(...json["runs"].map(({ runId }: RunView) => runId));
      path = json["next"] === undefined ? undefined : `/api/runs?before=${String(json["next"])}`;
    }
    return listed;
  }
});

describe("a run's journal", () => {
  it("is paged to its end without a gap", async () => {
    const runId = await ended(limits.journalPageMax);
    const entries: { writer: string; seq: number; record: { type: string } }[] = [];
    const pages: number[] = [];
    for (let from: number | undefined = 0; from !== undefined;) {
      const { json } = await get(`/api/runs/${runId}/journal?from=${from}`);
      pages.push(json["entries"].length);
      entries.push(...json["entries"]);
      from = json["next"];
    }
    expect(pages[0]).toBe(limits.journalPageMax);
    expect(entries.filter(({ record }) => record.type === "done")).toHaveLength(limits.journalPageMax);
    expect(entries.at(-1)?.record.type).toBe("completed");
  });

  it("shows an entry that this version does not understand as null, and its end as an empty page", async () => {
    const runId = await ended(1);
    await redisCommand(app.stack, ["RPUSH", `runs:{${caller.userId}}:${runId}:journal`, "an entry of tomorrow"]);
    const { json } = await get(`/api/runs/${runId}/journal`);
    expect(json["entries"].at(-1)).toBeNull();
    expect((await get(`/api/runs/${runId}/journal?from=9999`)).json).toEqual({ entries: [] });
  });

  it.each(["-1", "1.5", "x", "9".repeat(20)])("refuses ?from=%s with 400", async (from) => {
    const { status, json } = await get(`/api/runs/${await ended(0)}/journal?from=${from}`);
    expect([status, json["code"]]).toEqual([400, "invalid_cursor"]);
  });
});

describe("the preview of a compensation", () => {
  it("names the steps that would be undone now, in that order, and none for a run that is over", async () => {
    expect((await get(`/api/runs/${await waiting()}/compensation`)).json).toEqual({ steps: ["prepare"] });
    expect((await get(`/api/runs/${await ended(2)}/compensation`)).json).toEqual({ steps: [] });
  });
});

describe("a run file", () => {
  it("holds all that is known of the run, under its name", async () => {
    const runId = await ended(2);
    const response = await caller.fetch(`/api/runs/${runId}/file`);
    expect(response.headers.get("Content-Disposition")).toBe(`attachment; filename="${runId}.json"`);
    const file = (await response.json()) as RunFile;
    expect(file).toMatchObject({ format: "skipstone-run", formatVersion: 1, run: await runs.view(runId) });
    expect(file.receipt).toEqual(await runs.receipt(runId));
    expect(file.events).toEqual(
      (await runs.events(runId)).map(({ id, type, data }) => ({ place: Number(id), type, data })),
    );
    expect(file.journal).toHaveLength(5);
  });

  it("is replayed offline by the same code to the same end, and to the next step of a run that waits", async () => {
    const registry = createRunRegistry<RunServices>([toldSteps, waitForGo]);
    const replay = async (runId: string) => {
      const file = (await (await caller.fetch(`/api/runs/${runId}/file`)).json()) as RunFile;
      return replayRun(registry, { runId, userId: caller.userId, journal: file.journal, services: {} as RunServices });
    };
    expect(await replay(await ended(3))).toEqual({ kind: "same", next: undefined });
    expect(await replay(await waiting())).toEqual({ kind: "same", next: "go" });
  });
});

describe("runs of others, and what is no run", () => {
  const looks = ["", "/journal", "/events", "/receipt", "/compensation", "/file"];
  const acts = [
    ["cancel", {}],
    ["pause", {}],
    ["resume", {}],
    ["retry", {}],
    ["compensate", {}],
    ["signal", { name: "go" }],
    ["fork", { steps: 0 }],
  ] as const;

  it.each(looks)("GET …%s answers 404 to another user, for an unknown run and for what is no id", async (what) => {
    const runId = await waiting();
    const other = await app.signIn();
    for (const [by, id] of [
      [other, runId],
      [caller, unknownRun],
      [caller, "run_1"],
      [caller, `${runId}x`],
      [caller, `RUN${runId.slice(3)}`],
      [caller, "%2e%2e"],
    ] as const) {
      const { status, json } = await get(`/api/runs/${id}${what}`, by);
      expect([id, status, json["code"]]).toEqual([id, 404, "not_found"]);
    }
  });

  it.each(acts)(
    "POST …/%s answers 404 to another user, for an unknown run and for what is no id",
    async (what, body) => {
      const runId = await waiting();
      const before = await (await caller.fetch(`/api/runs/${runId}/journal`)).text();
      const other = runClient(await app.signIn());
      expect(await other.act(runId, what, body)).toBe(404);
      for (const id of [unknownRun, "run_1", "..%2f"]) expect(await runs.act(id, what, body)).toBe(404);
      await app.settled();
      expect(await (await caller.fetch(`/api/runs/${runId}/journal`)).text()).toBe(before);
    },
  );

  it("without a session is 401 on every route", async () => {
    const runId = await waiting();
    for (const what of looks) expect((await app.fetch(`/api/runs/${runId}${what}`)).status, what).toBe(401);
    for (const [what, body] of acts) {
      const init = { method: "POST", body: JSON.stringify(body), headers: { "content-type": "application/json" } };
      expect((await app.fetch(`/api/runs/${runId}/${what}`, init)).status, what).toBe(401);
    }
  });

  it("by another method is 404 on every route", async () => {
    const runId = await waiting();
    for (const what of looks) expect(await runs.act(runId, what.slice(1)), what).toBe(404);
    for (const [what] of acts) expect((await caller.fetch(`/api/runs/${runId}/${what}`)).status, what).toBe(404);
    expect((await caller.fetch(`/api/runs/${runId}`, { method: "DELETE" })).status).toBe(404);
    expect(await runs.view(runId)).toMatchObject({ status: "waiting" });
  });
});

describe("what a run keeps in mind", () => {
  it("is seen by its owner alone, while it waits and after its end", async () => {
    const runId = await waiting();
    expect(await get(`/api/runs/${runId}/memory`)).toEqual({ status: 200, json: { memory: { stage: "waiting" } } });
    expect((await get(`/api/runs/${runId}/memory`, await app.signIn())).status).toBe(404);
    await runs.act(runId, "signal", { name: "go", payload: { table: 4 } });
    await app.settled();
    expect((await get(`/api/runs/${runId}/memory`)).json).toEqual({ memory: { stage: "gone", payload: { table: 4 } } });
    expect((await get(`/api/runs/${unknownRun}/memory`)).status).toBe(404);
  });
});
