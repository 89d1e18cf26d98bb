/** Deliveries of queued calls that come twice, late or half: each acts once. */
import { afterAll, afterEach, beforeAll, beforeEach, describe, expect, it } from "vitest";
import { actingTools, passRetries } from "../support/acting-tools.ts";
import { startTestApp, type TestApp, type TestCaller } from "../support/test-app.ts";
import { queueTool, readExecution } from "../support/tool-client.ts";

const tools = actingTools();
let app: TestApp;
let caller: TestCaller;
beforeAll(async () => {
  app = await startTestApp({ time: "stack", tools: [tools.make("act")] });
  caller = await app.signIn();
});
afterAll(() => app.close());
beforeEach(tools.reset);
afterEach(async () => {
  app.stack.faults.clear();
  await app.settled();
});

describe("a delivery", () => {
  it("whose answer is lost is answered with the first result, and acts once", async () => {
    app.stack.faults.add({ server: "delivery", action: "drop-after", match: "/api/tools/act", count: 1 });
    tools.behave = (_context, call) => call;
    const { executionId } = await queueTool(caller, "act", {});
    await passRetries(app);
    expect(tools.acts).toHaveLength(1);
    expect(await readExecution(caller, executionId)).toMatchObject({ status: "completed", attempts: 1, result: 1 });
  });

  it("acts once when what it did could not be noted at first", async () => {
    // The third script run of a delivery that acts: begun, claimed, settled; the fourth would note the end.
    tools.behave = () => {
      app.stack.faults.add({ server: "redis", action: "drop-before", match: "completed", count: 1 });
      return "done";
    };
    const { executionId } = await queueTool(caller, "act", {});
    await passRetries(app);
    expect(tools.acts).toHaveLength(1);
    expect(await readExecution(caller, executionId)).toMatchObject({ status: "completed", attempts: 2 });
  });
});

/** The machine's own time: those who wait for each other inside of a delivery need one that goes on. */
describe("a delivery, as time goes by,", () => {
  let live: TestApp;
  let guest: TestCaller;
  beforeAll(async () => {
    live = await startTestApp({ tools: [tools.make("act"), tools.make("hang", { effect: "read", timeoutMs: 20 })] });
    guest = await live.signIn();
  });
  afterAll(() => live.close());

  it("that comes twice at the same moment acts once, and is one attempt", async () => {
    live.stack.faults.add({ server: "delivery", action: "duplicate", match: "/api/tools/act" });
    const { executionId } = await queueTool(guest, "act", {});
    await live.settled();
    expect(tools.acts).toHaveLength(1);
    expect(await readExecution(guest, executionId)).toMatchObject({ status: "completed", attempts: 1 });
  });

  it("of a tool that hangs ends with its time, and will be tried again", async () => {
    tools.behave = () => new Promise(() => {});
    const { executionId } = await queueTool(guest, "hang", {});
    await expect
      .poll(() => readExecution(guest, executionId))
      .toMatchObject({
        status: "retrying",
        attempts: 1,
        error: { code: "timed_out" },
      });
  });
});
