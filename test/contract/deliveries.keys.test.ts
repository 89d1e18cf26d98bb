/** What else the queue's routes let in: the answers to calls, rotated keys and the internal key. */
import { afterAll, beforeAll, beforeEach, describe, expect, it } from "vitest";
import { appBindings } from "../../stack/app-bindings.ts";
import { createDeliveryRig, executeStep, expectRefused, type DeliveryRig } from "../support/delivery-rig.ts";
import { inClear, startTestApp, type TestApp } from "../support/test-app.ts";
import { waitForGo } from "../support/test-runs.ts";

const routes = [executeStep, "/api/engine/call-result", "/api/engine/continue-turn", "/api/engine/resume"];

let app: TestApp;
let rig: DeliveryRig;
beforeAll(async () => {
  app = await startTestApp({ definitions: [waitForGo], bindings: inClear });
});
beforeEach(async () => {
  rig = await createDeliveryRig(app);
});
afterAll(() => app.close());

describe("a rotation of the signing keys", () => {
  it("stops no run: QStash signs with what was the next key, and the app knows it", async () => {
    const rotated = await fetch(`${app.stack.qstashUrl}/v2/keys/rotate`, {
      method: "POST",
      headers: { authorization: `Bearer ${app.stack.qstashToken}` },
    });
    expect(await rotated.json()).toMatchObject({ current: app.stack.nextSigningKey });
    await rig.runs.act(rig.runId, "signal", { name: "go" });
    await app.settled();
    expect(await rig.runs.view(rig.runId)).toMatchObject({ status: "completed" });
  });
});

describe("the answer to a call", () => {
  const path = () =>
    `/api/engine/call-result?${new URLSearchParams({ userId: rig.userId, runId: rig.runId, signal: "$call ask" }).toString()}`;
  const callback = (more: object = {}) =>
    JSON.stringify({ status: 200, body: btoa("hello"), retried: 0, maxRetries: 0, ...more });

  it("becomes a signal of the run, once", async () => {
    expect((await rig.deliver({ path: path(), body: callback() })).json).toEqual({ outcome: "done" });
    expect((await rig.deliver({ path: path(), body: callback() })).json).toEqual({ outcome: "repeated" });
    await app.settled();
    const signals = (await rig.journal()).filter((entry) => entry.includes(" signal "));
    expect(signals).toHaveLength(1);
    expect(signals[0]).toContain('"payload":{"status":200,"body":"hello"}');
  });

  it("that the queue will ask for again is not the answer yet", async () => {
    const before = await rig.journal();
    const failed = callback({ status: 500, retried: 1, maxRetries: 3 });
    expect((await rig.deliver({ path: path(), body: failed })).json).toEqual({ outcome: "waiting" });
    expect(await rig.journal()).toEqual(before);
  });

  it.each([
    [
      "another run's address in the URL than was signed",
      () => rig.deliver({ path: path(), claims: { sub: `${app.url}${path()}x` }, body: callback() }),
      401,
    ],
    [
      "no signal in the URL",
      () => rig.deliver({ path: `/api/engine/call-result?userId=${rig.userId}&runId=${rig.runId}`, body: callback() }),
      489,
    ],
    [
      "a signal that is no call's",
      () => rig.deliver({ path: path().replace("%24call+ask", "go"), body: callback() }),
      489,
    ],
    ["a run id that is none", () => rig.deliver({ path: path().replace(rig.runId, "run_1"), body: callback() }), 489],
    ["a body that is no callback", () => rig.deliver({ path: path(), body: "{}" }), 489],
  ])("with %s is refused, and the journal untouched", async (_what, sending, status) => {
    await expectRefused(rig, sending, status);
  });

  it("for a run that is unknown or over is taken and changes nothing", async () => {
    const unknown = path().replace(rig.runId, `run_${"0".repeat(32)}`);
    expect(await rig.deliver({ path: unknown, body: callback() })).toMatchObject({
      status: 200,
      json: { outcome: "unknown" },
    });
    await rig.runs.act(rig.runId, "signal", { name: "go" });
    await app.settled();
    const before = await rig.journal();
    expect(await rig.deliver({ path: path(), body: callback() })).toMatchObject({
      status: 200,
      json: { outcome: "refused" },
    });
    expect(await rig.journal()).toEqual(before);
  });
});

describe("the internal key", () => {
  const right = () => appBindings(app.stack, app.url)["INTERNAL_SYSTEM_KEY"]!;

  it("runs the next segment after its answer, and sweeps", async () => {
    await rig.signal();
    const headers = { "x-internal-key": right() };
    expect(await rig.post({ headers })).toMatchObject({ status: 202, json: { outcome: "accepted" } });
    await app.settled();
    expect(await rig.runs.view(rig.runId)).toMatchObject({ status: "completed" });
    const swept = await rig.post({ path: "/api/engine/resume", body: "", headers });
    expect([swept.status, Object.keys(swept.json)]).toEqual([200, ["runs", "turns", "outbox", "alerts"]]);
  });

  it.each([
    ["wrong", () => "not-the-internal-key-but-just-as-long-as-it-"],
    ["empty", () => ""],
    ["a part of the right one", () => right().slice(0, -1)],
    ["more than the right one", () => `${right()}x`],
    ["the session secret", () => appBindings(app.stack, app.url)["SESSION_SECRET"]!],
    [
      "what it would be derived from without a key of its own",
      () => `internal:${appBindings(app.stack, app.url)["SESSION_SECRET"]!}`,
    ],
  ])("that is %s opens nothing", async (_what, key) => {
    for (const path of routes) await expectRefused(rig, () => rig.post({ path, headers: { "x-internal-key": key() } }));
  });

  it("is of no use in the place of a session", async () => {
    const response = await app.fetch(`/api/runs/${rig.runId}`, { headers: { "x-internal-key": right() } });
    expect(response.status).toBe(401);
  });
});
