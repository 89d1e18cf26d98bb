/** The development bypass: what carries no signature is let in, on a developer's machine alone. */
import { afterAll, beforeAll, describe, expect, it } from "vitest";
import { createDeliveryRig, executeStep, expectRefused } from "../support/delivery-rig.ts";
import { startTestApp, type TestApp } from "../support/test-app.ts";
import { waitForGo } from "../support/test-runs.ts";

let app: TestApp;
beforeAll(async () => {
  app = await startTestApp({ definitions: [waitForGo] });
});
afterAll(() => app.close());

describe("a delivery where signatures are skipped", () => {
  it("that carries none moves the run, and is 401 again when the bypass is off", async () => {
    const rig = await createDeliveryRig(app);
    await rig.signal();
    await expectRefused(rig, () => rig.post({ path: executeStep, body: rig.trigger() }));
    app.rebind({ SKIP_SIGNATURES: "1" });
    expect((await rig.post({ path: executeStep, body: rig.trigger() })).status).toBe(200);
    await app.settled();
    expect(await rig.runs.view(rig.runId)).toMatchObject({ status: "completed" });
    app.rebind({ SKIP_SIGNATURES: "" });
    await expectRefused(rig, () => rig.post({ path: executeStep, body: rig.trigger() }));
  });

  it("that carries one which does not hold is refused all the same", async () => {
    app.rebind({ SKIP_SIGNATURES: "1" });
    const rig = await createDeliveryRig(app);
    await expectRefused(rig, () => rig.deliver({ key: "sig_of_nobody" }));
  });

  it("at a public address is answered by an app that refuses to work", async () => {
    app.rebind({ SKIP_SIGNATURES: "1", APP_URL: "https://chat.example.com" });
    expect((await app.fetch(executeStep, { method: "POST", body: "{}" })).status).toBe(500);
    app.rebind({ SKIP_SIGNATURES: "", APP_URL: app.url });
  });
});
