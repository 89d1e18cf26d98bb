/** What failed for good, over the real app: runs that are parked and messages that the queue has given up, in one list. */
import { afterAll, beforeAll, beforeEach, describe, expect, it } from "vitest";
import * as z from "zod/mini";
import { limits } from "../../src/core/limits.ts";
import { defineRun } from "../../src/engine/run-definition.ts";
import type { RunContext } from "../../src/engine/run-context.ts";
import type { DeadLetter } from "../../src/ops/dead-letter.ts";
import { everyLetter, type Listed } from "../support/letters.ts";
import { runClient, type RunClient } from "../support/run-client.ts";
import { startTestApp, type TestApp, type TestCaller } from "../support/test-app.ts";

let isBroken = true;
const undone: string[] = [];

/** Has a defect until it is mended. */
const fragile = defineRun({
  name: "fragile",
  version: 1,
  input: z.object({}),
  async run(ctx: RunContext) {
    await ctx.step("prepare", () => 1, { compensate: () => void undone.push(ctx.runId) });
    if (isBroken) throw new TypeError("a defect of ours");
    return "mended";
  },
});

/** Has the queue ask somebody who is not there. */
const askNobody = defineRun({
  name: "ask-nobody",
  version: 1,
  input: z.object({}),
  run: async (ctx: RunContext) => (await ctx.call("ask", { url: "http://127.0.0.1:1/", retries: 0 })).status,
});

let app: TestApp;
let caller: TestCaller;
let runs: RunClient;
beforeAll(async () => {
  app = await startTestApp({ definitions: [fragile, askNobody], time: "stack" });
});
beforeEach(async () => {
  app.stack.faults.clear();
  isBroken = true;
  undone.length = 0;
  caller = await app.signIn();
  runs = runClient(caller);
  await app.stack.clock.advance(60_000);
});
afterAll(() => app.close());

const operator = { "x-internal-key": "local-development-internal-key-which-is-public" };

async function list(who: TestCaller = caller, query = ""): Promise<Listed> {
  const response = await who.fetch(`/api/dead-letters${query}`);
  expect(response.status).toBe(200);
  return (await response.json()) as Listed;
}

async function listAsOperator(query = ""): Promise<Listed> {
  return (await (await app.fetch(`/api/dead-letters${query}`, { headers: operator })).json()) as Listed;
}

const mine = (): Promise<DeadLetter[]> => everyLetter((query) => list(caller, query));

async function park(): Promise<string> {
  const runId = await runs.start("fragile");
  await app.settled();
  expect((await runs.view(runId)).status).toBe("parked");
  return runId;
}

async function act(method: "POST" | "DELETE", path: string, who = caller): Promise<number> {
  return (await who.fetch(`/api/dead-letters/${path}`, { method })).status;
}

describe("a run that is parked", () => {
  it("is a dead letter of its owner and nobody else, with its cause", async () => {
    const runId = await park();
    const { letters, groups } = await list();
    const cause = { key: "run:fragile:TypeError", text: "a defect of ours" };
    const failedAt = app.stack.clock.now();
    expect(letters).toEqual([{ id: runId, kind: "run", userId: caller.userId, failedAt, what: "fragile@1", cause }]);
    expect(groups).toEqual([{ cause, count: 1, firstAt: failedAt, lastAt: failedAt, ids: [runId] }]);
    expect((await list(await app.signIn())).letters).toEqual([]);
    expect((await listAsOperator()).letters.map(({ id }) => id)).toContain(runId);
  });

  it("goes on when it is retried, and leaves the list", async () => {
    const runId = await park();
    isBroken = false;
    expect(await act("POST", `${runId}/retry`)).toBe(204);
    await app.settled();
    expect(await runs.view(runId)).toMatchObject({ status: "completed", output: "mended" });
    expect(await mine()).toEqual([]);
    expect(await act("POST", `${runId}/retry`)).toBe(409);
  });

  it("is given up when it is removed, with what it did left as it is, or undone where that is asked for", async () => {
    const [left, undoing] = [await park(), await park()];
    expect(await act("DELETE", left)).toBe(204);
    expect(await act("DELETE", `${undoing}?compensate=true`)).toBe(204);
    await app.settled();
    expect((await runs.view(left)).status).toBe("cancelled");
    expect((await runs.view(undoing)).status).toBe("cancelled");
    expect(undone).toEqual([undoing]);
    expect(await mine()).toEqual([]);
  });

  it("is retried by an operator who names its owner", async () => {
    const runId = await park();
    isBroken = false;
    const retry = (query: string): Promise<Response> =>
      app.fetch(`/api/dead-letters/${runId}/retry${query}`, { method: "POST", headers: operator });
    expect((await retry("")).status).toBe(404);
    expect((await retry(`?userId=${caller.userId}`)).status).toBe(204);
    await app.settled();
    expect((await runs.view(runId)).status).toBe("completed");
  });

  it("among more than a page holds is listed once, by its owner and by operators", async () => {
    const ids: string[] = [];
    for (let count = 0; count < limits.deadLettersPageMax + 3; count += 1) ids.push(await park());
    const found = await mine();
    expect(found.map(({ id }) => id).toSorted()).toEqual(ids.toSorted());
    const all = await everyLetter(listAsOperator);
    expect(
      all
        .filter(({ userId }) => userId === caller.userId)
        .map(({ id }) => id)
        .toSorted(),
    ).toEqual(ids.toSorted());
  });
});

describe("a message that the queue has given up", () => {
  async function dieInCall(): Promise<DeadLetter> {
    await runs.start("ask-nobody");
    await app.settled();
    const [letter] = await mine();
    return letter!;
  }

  it("is a dead letter of the user for whom it was sent, and of nobody else", async () => {
    const letter = await dieInCall();
    expect(letter).toMatchObject({ kind: "message", userId: caller.userId, what: "http://127.0.0.1:1" });
    expect(letter.cause.key).toBe("message:http://127.0.0.1:1:0");
    const other = await app.signIn();
    expect(await everyLetter((query) => list(other, query))).toEqual([]);
    expect(await act("DELETE", letter.id, other)).toBe(404);
    expect(await act("POST", `${letter.id}/retry`, other)).toBe(404);
    expect(await mine()).toEqual([letter]);
  });

  it("is sent again when it is retried, and dies anew as a new letter", async () => {
    const letter = await dieInCall();
    expect(await act("POST", `${letter.id}/retry`)).toBe(204);
    await app.settled();
    const after = await mine();
    expect(after).toHaveLength(1);
    expect(after[0]!.id).not.toBe(letter.id);
    expect(await act("POST", `${letter.id}/retry`)).toBe(404);
  });

  it("is forgotten when it is removed; a second time it is not there", async () => {
    const letter = await dieInCall();
    expect(await act("DELETE", letter.id)).toBe(204);
    expect(await act("DELETE", letter.id)).toBe(404);
    expect(await mine()).toEqual([]);
  });
});

describe("a redrive", () => {
  async function redrive(body: unknown): Promise<{ status: number; runId: string }> {
    await app.stack.clock.advance(1_000);
    const response = await caller.post("/api/dead-letters/redrive", body);
    const { runId } = (await response.json()) as { runId: string };
    return { status: response.status, runId };
  }

  async function progress(runId: string): Promise<unknown> {
    return (await caller.fetch(`/api/dead-letters/redrives/${runId}`)).json();
  }

  async function pass(seconds: number): Promise<void> {
    for (let second = 0; second < seconds; second += 5) {
      await app.stack.clock.advance(5_000);
      await app.settled();
    }
  }

  it("takes the letters one by one at its rate, and ends with their number", async () => {
    const ids = [await park(), await park(), await park()];
    isBroken = false;
    const { status, runId } = await redrive({ perMinute: 4 });
    expect(status).toBe(202);
    await app.settled();
    const done = async (): Promise<number> =>
      (await Promise.all(ids.map((id) => runs.view(id)))).filter((run) => run.status === "completed").length;
    expect(await done()).toBe(1);
    await pass(20);
    expect(await done()).toBe(2);
    await pass(40);
    expect(await done()).toBe(3);
    expect(await progress(runId)).toMatchObject({ status: "completed", output: { retried: 3, left: 0 } });
  });

  it("leaves what fails again, and ends", async () => {
    await park();
    const { runId } = await redrive({ perMinute: 20 });
    await app.settled();
    await pass(15);
    expect(await progress(runId)).toMatchObject({ status: "completed", output: { retried: 1 } });
    expect(await mine()).toHaveLength(1);
  });

  it("takes those of one cause where it is given", async () => {
    await park();
    const { runId } = await redrive({ perMinute: 20, cause: "run:other:TypeError" });
    await app.settled();
    expect(await progress(runId)).toMatchObject({ status: "completed", output: { retried: 0, left: 0 } });
  });

  it("of an operator takes everybody's; started as a run by a user it takes the user's own", async () => {
    const parked = await park();
    isBroken = false;
    const stranger = runClient(await app.signIn());
    await stranger.start("redrive-dead-letters", { perMinute: 20 });
    await app.settled();
    expect((await runs.view(parked)).status).toBe("parked");
    await app.stack.clock.advance(1_000);
    const response = await app.fetch("/api/dead-letters/redrive", {
      method: "POST",
      headers: { ...operator, "content-type": "application/json" },
      body: JSON.stringify({ perMinute: 20, cause: "run:fragile:TypeError" }),
    });
    const { runId } = (await response.json()) as { runId: string };
    await app.settled();
    await pass(180);
    expect((await runs.view(parked)).status).toBe("completed");
    const seen = await app.fetch(`/api/dead-letters/redrives/${runId}`, { headers: operator });
    expect(await seen.json()).toMatchObject({ status: "completed" });
    expect((await caller.fetch(`/api/dead-letters/redrives/${runId}`)).status).toBe(404);
  });

  it.each([
    ["a rate of 0", { perMinute: 0 }],
    ["a rate above the limit", { perMinute: limits.redrivePerMinuteMax + 1 }],
    ["a rate that is no number", { perMinute: "fast" }],
    ["a cause that is too long", { perMinute: 1, cause: "x".repeat(limits.causeCharsMax + 1) }],
    ["a field that is not known", { perMinute: 1, isForAll: true }],
  ])("with %s is 400", async (_what, body) => {
    expect((await redrive(body)).status).toBe(400);
  });
});

describe("bad input", () => {
  it.each(["x", "r", "r1", "r-1-2", "r1-x", "m ", "m{}", "mzzz", "m:=.-", `m${"a".repeat(300)}`])(
    "cursor %j is 400",
    async (cursor) => {
      const response = await caller.fetch(`/api/dead-letters?cursor=${encodeURIComponent(cursor)}`);
      expect(response.status).toBe(400);
      expect(await response.json()).toMatchObject({ code: "invalid_cursor" });
    },
  );

  it.each(["dlq_1-1", "dlq_", `dlq_${"9".repeat(200)}`, "run_1", `run_${"0".repeat(32)}`, "x%2F..%2Fy", "dlq_1%20or"])(
    "the id %j is 404",
    async (id) => {
      expect(await act("POST", `${id}/retry`)).toBe(404);
      expect(await act("DELETE", id)).toBe(404);
    },
  );

  it("a wrong operator's key counts as none", async () => {
    const response = await app.fetch("/api/dead-letters", { headers: { "x-internal-key": "wrong" } });
    expect(response.status).toBe(401);
  });

  it("a queue that is down is 503, and says so after the runs were listed", async () => {
    await park();
    app.stack.faults.add({ server: "qstash", action: "status", status: 500 });
    const { letters, next } = await list();
    expect(letters).toHaveLength(1);
    const response = await caller.fetch(`/api/dead-letters?cursor=${next}`);
    expect(response.status).toBe(503);
    expect(await response.json()).toMatchObject({ code: "queue_unavailable" });
  });
});
