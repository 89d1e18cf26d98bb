/** What owners and operators do to dead letters, and what they cannot: the lists are in dead-letters.test.ts. */
import { afterAll, beforeAll, beforeEach, describe, expect, it } from "vitest";
import * as z from "zod/mini";
import type { RunContext } from "../../src/engine/run-context.ts";
import { defineRun } from "../../src/engine/run-definition.ts";
import type { DeadLetter } from "../../src/ops/dead-letter.ts";
import { everyLetter, type Listed } from "../support/letters.ts";
import { runClient, type RunClient } from "../support/run-client.ts";
import { serveFetch, type ServedFetch } from "../support/serve-fetch.ts";
import { startTestApp, type TestApp, type TestCaller } from "../support/test-app.ts";
import { defective, waitForGo } from "../support/test-runs.ts";
import { operatorHeaders } from "./ask-route.ts";

/** Has the queue ask the partner. */
const askPartner = defineRun({
  name: "ask-partner",
  version: 1,
  input: z.object({ url: z.string() }),
  run: async (ctx: RunContext, { url }) => (await ctx.call("ask", { url, retries: 0 })).status,
});

/** Fails by another step and with another error than `defective`. */
const unsound = defineRun({
  name: "unsound",
  version: 1,
  input: z.object({}),
  run: () => Promise.reject(new RangeError("another defect")),
});

/** Fails as runs do that nobody has to see to. */
const unlucky = defineRun({
  name: "unlucky",
  version: 1,
  input: z.object({}),
  run: async (ctx: RunContext) => {
    await ctx.step("try", () => Promise.reject(new Error("no luck")), { retries: 0 });
  },
});

let app: TestApp;
let partner: ServedFetch;
let asked = 0;
let isPartnerWell = false;
let caller: TestCaller;
let runs: RunClient;
beforeAll(async () => {
  app = await startTestApp({ definitions: [askPartner, defective, unsound, unlucky, waitForGo], time: "stack" });
  partner = await serveFetch(async () => {
    asked += 1;
    return new Response("", { status: isPartnerWell ? 200 : 500 });
  });
});
beforeEach(async () => {
  asked = 0;
  isPartnerWell = false;
  caller = await app.signIn();
  runs = runClient(caller);
  await app.stack.clock.advance(60_000);
});
afterAll(async () => {
  await app.close();
  await partner.close();
});

const page = (fetch: TestCaller["fetch"], init: RequestInit) => async (query: string) =>
  (await (await fetch(`/api/dead-letters${query}`, init)).json()) as Listed;
const mine = (): Promise<DeadLetter[]> => everyLetter(page(caller.fetch, {}));

async function parked(name: string): Promise<string> {
  const runId = await runs.start(name);
  await app.settled();
  expect((await runs.view(runId)).status).toBe("parked");
  return runId;
}

async function deadMessage(): Promise<DeadLetter> {
  await runs.start("ask-partner", { url: partner.url });
  await app.settled();
  const [letter] = await mine();
  expect(letter).toMatchObject({ kind: "message", what: partner.url });
  return letter!;
}

async function act(method: "POST" | "DELETE", path: string): Promise<number> {
  return (await caller.fetch(`/api/dead-letters/${path}`, { method })).status;
}

async function actAsOperator(method: "POST" | "DELETE", path: string): Promise<number> {
  return (await app.fetch(`/api/dead-letters/${path}`, { method, headers: operatorHeaders })).status;
}

describe("a run that is no dead letter", () => {
  it("is neither given up nor retried as one by its owner or an operator, and goes on", async () => {
    const runId = await runs.start("wait-for-go");
    await app.settled();
    const before = await runs.view(runId);
    const response = await caller.fetch(`/api/dead-letters/${runId}`, { method: "DELETE" });
    expect([response.status, await response.json()]).toEqual([
      409,
      expect.objectContaining({ code: "run_refused", detail: "The run is not parked." }),
    ]);
    expect(await act("DELETE", `${runId}?compensate=true`)).toBe(409);
    expect(await act("POST", `${runId}/retry`)).toBe(409);
    const ofOwner = `userId=${caller.userId}`;
    expect(await actAsOperator("DELETE", `${runId}?${ofOwner}`)).toBe(409);
    expect(await actAsOperator("POST", `${runId}/retry?${ofOwner}`)).toBe(409);
    await app.settled();
    expect(await runs.view(runId)).toEqual(before);
    expect(await runs.act(runId, "signal", { name: "go" })).toBe(202);
    await app.settled();
    expect((await runs.view(runId)).status).toBe("completed");
    expect(await act("DELETE", runId)).toBe(409);
  });

  it("since it failed is refused, too", async () => {
    const runId = await runs.start("unlucky");
    await app.settled();
    expect((await runs.view(runId)).status).toBe("failed");
    expect(await act("DELETE", runId)).toBe(409);
    expect((await runs.view(runId)).status).toBe("failed");
  });
});

describe("a parked run that is given up while QStash is down", () => {
  it("is given up when that is repeated", async () => {
    const runId = await parked("defective");
    app.stack.faults.add({ server: "qstash", action: "drop-before" });
    expect(await act("DELETE", runId)).toBe(503);
    app.stack.faults.clear();
    expect(await act("DELETE", runId)).toBe(204);
    await app.settled();
    expect((await runs.view(runId)).status).toBe("cancelled");
    expect(await mine()).toEqual([]);
  });
});

describe("runs that are parked for two reasons", () => {
  it("are two groups, each with its count, its times and its runs, the greater first", async () => {
    const [first, other] = [await parked("defective"), await parked("unsound")];
    const firstAt = app.stack.clock.now();
    await app.stack.clock.advance(1_000);
    const second = await parked("defective");
    const { groups } = await page(caller.fetch, {})("");
    expect(groups).toEqual([
      {
        cause: { key: "run:defective:TypeError", text: "a defect of this run" },
        count: 2,
        firstAt,
        lastAt: firstAt + 1_000,
        ids: [second, first],
      },
      {
        cause: { key: "run:unsound:RangeError", text: "another defect" },
        count: 1,
        firstAt,
        lastAt: firstAt,
        ids: [other],
      },
    ]);
  });
});

describe("a message that the queue has given up", () => {
  it("is sent again by a redrive of its cause, which leaves the letters of others", async () => {
    const letter = await deadMessage();
    const runId = await parked("defective");
    await app.stack.clock.advance(1_000);
    isPartnerWell = true;
    const started = await caller.post("/api/dead-letters/redrive", { perMinute: 20, cause: letter.cause.key });
    const { runId: redriveId } = (await started.json()) as { runId: string };
    await app.settled();
    await app.stack.clock.advance(5_000);
    await app.settled();
    const redrive = await (await caller.fetch(`/api/dead-letters/redrives/${redriveId}`)).json();
    expect(redrive).toMatchObject({ status: "completed", output: { retried: 1, left: 0 } });
    expect(asked).toBe(2);
    expect((await mine()).map(({ id }) => id)).toEqual([runId]);
  });

  it("is sent again by an operator, whoever it was for", async () => {
    const letter = await deadMessage();
    isPartnerWell = true;
    expect(await actAsOperator("POST", `${letter.id}/retry`)).toBe(204);
    await app.settled();
    expect(asked).toBe(2);
    expect(await mine()).toEqual([]);
    expect(await actAsOperator("POST", `${letter.id}/retry`)).toBe(404);
  });

  it("is forgotten by an operator, once", async () => {
    const letter = await deadMessage();
    expect(await actAsOperator("DELETE", letter.id)).toBe(204);
    expect(await actAsOperator("DELETE", letter.id)).toBe(404);
    expect(asked).toBe(1);
    expect(await mine()).toEqual([]);
    expect(await everyLetter(page(app.fetch, { headers: operatorHeaders }))).not.toContainEqual(letter);
  });
});
