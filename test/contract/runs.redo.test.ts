/** What a person does about a run that went wrong, over the real app: retry, resume, compensate, fork. */
import * as z from "zod/mini";
import { afterAll, beforeAll, beforeEach, describe, expect, it } from "vitest";
import { NonRetryableError } from "../../src/engine/failures.ts";
import type { RunContext } from "../../src/engine/run-context.ts";
import { defineRun } from "../../src/engine/run-definition.ts";
import type { RunServices } from "../../src/wire/runs.ts";
import { runClient, type RunClient } from "../support/run-client.ts";
import { startTestApp, type TestApp, type TestCaller } from "../support/test-app.ts";

/** What was done to the world, and what is broken in it. */
let done: string[] = [];
let broken = new Set<string>();

function act(what: string): () => string {
  return () => {
    done.push(what);
    if (broken.has(what)) throw new NonRetryableError(`${what} is broken`);
    return what;
  };
}

const Trip = z.object({ city: z.string().check(z.minLength(1)) });

const bookTrip = defineRun({
  name: "book-trip",
  version: 1,
  input: Trip,
  async run(ctx: RunContext<RunServices>, { city }) {
    await ctx.step("look", act(`look for ${city}`), { effect: "read" });
    await ctx.step("flight", act("flight"), { compensate: act("undo flight"), compensateRetries: 0 });
    await ctx.step("hotel", act("hotel"), {
      compensate: act("undo hotel"),
      compensateRetries: 0,
      dryResult: "dry hotel",
    });
    if (broken.has("code")) throw new TypeError("the code is broken");
    await ctx.waitForSignal("paid");
    return ctx.step("confirm", act("confirm"), { dryResult: "dry confirm" });
  },
});

const unknownChild = defineRun({ name: "nobody-knows-it", version: 1, input: z.object({}), run: async () => 1 });

/** Its child is in no registry. */
const lostParent = defineRun({
  name: "lost-parent",
  version: 1,
  input: z.object({}),
  async run(ctx: RunContext<RunServices>) {
    await ctx.step("flight", act("flight"), { compensate: act("undo flight") });
    return ctx.child("child", unknownChild, {});
  },
});

/** Nothing of it can be undone. */
const addUp = defineRun({
  name: "add-up",
  version: 1,
  input: z.object({}),
  async run(ctx: RunContext<RunServices>) {
    await ctx.step("first", act("first"));
    return ctx.step("second", act("second"));
  },
});

let app: TestApp;
let caller: TestCaller;
let runs: RunClient;
beforeAll(async () => {
  app = await startTestApp({ definitions: [bookTrip, addUp, lostParent] });
});
beforeEach(async () => {
  caller = await app.signIn();
  runs = runClient(caller);
  done = [];
  broken = new Set();
});
afterAll(() => app.close());

async function started(name: string, input: unknown = {}): Promise<string> {
  const runId = await runs.start(name, input);
  await app.settled();
  return runId;
}

async function acted(runId: string, what: string, body: unknown = {}) {
  const response = await caller.post(`/api/runs/${runId}/${what}`, body);
  const json = (await response.json()) as Record<string, any>;
  await app.settled();
  return { status: response.status, json };
}

describe("a retry", () => {
  it("of a run that failed tries the failed step again, and none before it", async () => {
    broken.add("second");
    const runId = await started("add-up");
    expect(await runs.view(runId)).toMatchObject({ status: "failed", failure: { message: "second is broken" } });
    broken.clear();
    expect((await acted(runId, "retry")).status).toBe(202);
    expect(await runs.view(runId)).toMatchObject({ status: "completed", output: "second" });
    expect(done).toEqual(["first", "second", "second"]);
    const events = await runs.events(runId);
    expect(events.filter(({ type }) => type === "workflow-completed")).toHaveLength(1);
  });

  it("of a run whose steps were undone is 409: they are gone", async () => {
    broken.add("hotel");
    const runId = await started("book-trip", { city: "Rome" });
    expect(await runs.view(runId)).toMatchObject({ status: "failed" });
    expect(done).toEqual(["look for Rome", "flight", "hotel", "undo flight"]);
    expect(await acted(runId, "retry")).toMatchObject({
      status: 409,
      json: { detail: "What the run had done is undone; start it anew instead." },
    });
  });

  it("of a run that goes its way, or has completed, is 409", async () => {
    const runId = await started("book-trip", { city: "Rome" });
    expect((await acted(runId, "retry")).status).toBe(409);
    await acted(runId, "signal", { name: "paid" });
    expect(await runs.view(runId)).toMatchObject({ status: "completed" });
    expect((await acted(runId, "retry")).status).toBe(409);
  });
});

describe("a run that is parked", () => {
  it("by an error that nobody knows has undone nothing, and goes on when the code is mended", async () => {
    broken.add("code");
    const runId = await started("book-trip", { city: "Rome" });
    expect(await runs.view(runId)).toMatchObject({ status: "parked", failure: { name: "TypeError" } });
    broken.clear();
    expect((await acted(runId, "resume")).status).toBe(202);
    expect(await runs.view(runId)).toMatchObject({ status: "waiting" });
    expect(done).toEqual(["look for Rome", "flight", "hotel"]);
  });

  it("by a mistake in its definition has undone nothing, names the mistake to its owner, and is not tried again", async () => {
    const runId = await started("lost-parent");
    const view = await runs.view(runId);
    expect(view).toMatchObject({ status: "parked", segments: 1, failure: { code: "bad_definition" } });
    expect(view.failure?.message).toContain("not in the registry");
    await app.sweep();
    await app.settled();
    expect(await runs.view(runId)).toMatchObject({ status: "parked", segments: 1 });
    expect(done).toEqual(["flight"]);
  });

  it("by a compensation that cannot finish names the step, and a retry goes on with it", async () => {
    broken.add("undo flight");
    const runId = await started("book-trip", { city: "Rome" });
    await acted(runId, "cancel");
    expect(await runs.view(runId)).toMatchObject({ status: "parked", step: "undo flight" });
    expect(await (await caller.fetch(`/api/runs/${runId}/compensation`)).json()).toEqual({ steps: ["flight"] });
    broken.clear();
    expect((await acted(runId, "retry")).status).toBe(202);
    expect(await runs.view(runId)).toMatchObject({ status: "cancelled" });
    expect(done.filter((what) => what.startsWith("undo"))).toEqual(["undo hotel", "undo flight", "undo flight"]);
  });

  it("is undone when that is asked for", async () => {
    broken.add("code");
    const runId = await started("book-trip", { city: "Rome" });
    broken.clear();
    expect((await acted(runId, "compensate")).status).toBe(202);
    expect(await runs.view(runId)).toMatchObject({ status: "cancelled" });
    expect(done).toEqual(["look for Rome", "flight", "hotel", "undo hotel", "undo flight"]);
  });
});

describe("a compensation", () => {
  it("of a run that waits undoes what was done, the last first, and ends it", async () => {
    const runId = await started("book-trip", { city: "Rome" });
    expect(await (await caller.fetch(`/api/runs/${runId}/compensation`)).json()).toEqual({
      steps: ["hotel", "flight"],
    });
    expect((await acted(runId, "compensate")).json).toEqual({ accepted: true, isRepeated: false });
    expect(await runs.view(runId)).toMatchObject({ status: "cancelled" });
    expect(done.slice(-2)).toEqual(["undo hotel", "undo flight"]);
    expect((await acted(runId, "compensate")).status).toBe(409);
  });
});

describe("a fork", () => {
  it("takes over the outcomes of the steps, and is dry: what writes answers with its dry result", async () => {
    const source = await started("book-trip", { city: "Rome" });
    const { status, json } = await acted(source, "fork", { steps: 2 });
    const fork = String(json["runId"]);
    expect(status).toBe(202);
    expect(await runs.view(fork)).toMatchObject({
      status: "waiting",
      forkedFrom: { runId: source, steps: 2 },
      isDry: true,
    });
    await acted(fork, "signal", { name: "paid" });
    expect(await runs.view(fork)).toMatchObject({ status: "completed", output: "dry confirm" });
    expect(done).toEqual(["look for Rome", "flight", "hotel"]);
    expect(await runs.view(source)).toMatchObject({ status: "waiting" });
  });

  it("with another input goes its own way, and writes when that is allowed", async () => {
    const source = await started("book-trip", { city: "Rome" });
    const { json } = await acted(source, "fork", { steps: 0, input: { city: "Oslo" }, allowWrites: true });
    expect(done.slice(3)).toEqual(["look for Oslo", "flight", "hotel"]);
    expect(await runs.view(String(json["runId"]))).toMatchObject({ status: "waiting" });
  });

  it("does not undo what belongs to its source", async () => {
    const source = await started("book-trip", { city: "Rome" });
    const { json } = await acted(source, "fork", { steps: 3, allowWrites: true });
    await acted(String(json["runId"]), "cancel");
    expect(await runs.view(String(json["runId"]))).toMatchObject({ status: "cancelled" });
    expect(done.filter((what) => what.startsWith("undo"))).toEqual([]);
  });

  it("that comes to a write without a dry result is parked there and has done nothing", async () => {
    const source = await started("book-trip", { city: "Rome" });
    const { json } = await acted(source, "fork", { steps: 1 });
    expect(await runs.view(String(json["runId"]))).toMatchObject({
      status: "parked",
      step: "flight",
      failure: { code: "dry_run" },
    });
    expect(done).toHaveLength(3);
  });

  it.each([
    ["more steps than there are", { steps: 4 }, 409, undefined],
    ["fewer than none", { steps: -1 }, 400, "/steps"],
    ["no number of steps", {}, 400, "/steps"],
    ["a half step", { steps: 1.5 }, 400, "/steps"],
    ["an input that fails the schema", { steps: 0, input: { city: "" } }, 400, "/input/city"],
    ["a field that is not known", { steps: 0, version: 2 }, 400, "/version"],
  ])("with %s is refused, and no run is there", async (_what, body, status, pointer) => {
    const source = await started("book-trip", { city: "Rome" });
    const refused = await acted(source, "fork", body);
    expect(refused.status).toBe(status);
    if (pointer !== undefined) expect(refused.json["errors"][0].pointer).toBe(pointer);
    const { runs: listed } = (await (await caller.fetch("/api/runs")).json()) as { runs: unknown[] };
    expect(listed).toHaveLength(1);
  });
});
