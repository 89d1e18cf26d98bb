/** What is cached, over the real app: the provider's models, and the agents with which runs start. */
import { afterAll, beforeAll, beforeEach, describe, expect, it } from "vitest";
import { journalKey } from "../../src/upstash/keys.ts";
import { readTexts } from "../../src/upstash/reply.ts";
import { OFFLINE_MODEL_NAME } from "../../stack/model/model-front.ts";
import { startTestApp, type TestApp, type TestCaller } from "../support/test-app.ts";

let app: TestApp;
beforeAll(async () => {
  app = await startTestApp();
});
beforeEach(() => app.stack.faults.clear());
afterAll(() => app.close());

const models = async (who: TestCaller): Promise<{ models: string[]; default: string }> =>
  (await who.fetch("/api/models")).json() as Promise<{ models: string[]; default: string }>;
const json = (method: string, body: unknown) => ({
  method,
  body: JSON.stringify(body),
  headers: { "content-type": "application/json" },
});

/** Another environment is another isolate as far as its memory goes. */
function inAnotherIsolate(mark: string): void {
  app.rebind({ MODEL_PRICES: JSON.stringify({ [mark]: { input: 1, output: 1 } }) });
}

describe("the list of models", () => {
  it("that cannot be had is said in words, and had by the next one", async () => {
    const owner = await app.signIn();
    app.stack.faults.add({ server: "model", action: "status", status: 500 });
    const response = await owner.fetch("/api/models");
    expect([response.status, await response.json()]).toMatchObject([503, { code: "model_unavailable" }]);
    app.stack.faults.clear();
    expect((await models(owner)).models).toContain(OFFLINE_MODEL_NAME);
  });

  it("is asked of the provider once, for all callers and isolates", async () => {
    const [owner, other] = [await app.signIn(), await app.signIn()];
    const first = await models(owner);
    expect(first).toMatchObject({ default: OFFLINE_MODEL_NAME });
    app.stack.faults.add({ server: "model", action: "drop-before" });
    expect(await models(other)).toEqual(first);
    inAnotherIsolate("another");
    app.stack.faults.add({ server: "model", action: "drop-before" });
    expect(await models(other)).toEqual(first);
  });
});

describe("an agent that runs start with", () => {
  async function plantAgent(owner: TestCaller): Promise<string> {
    const response = await owner.fetch("/api/agents", json("POST", { name: "First" }));
    return `/api/agents/${((await response.json()) as { id: string }).id}`;
  }
  async function nameInRun(owner: TestCaller, path: string): Promise<string> {
    const started = await owner.fetch(`${path}/runs`, json("POST", { goal: "Say hello" }));
    expect(started.status).toBe(202);
    const { runId } = (await started.json()) as { runId: string };
    const [start = ""] = await app.redis.command(["LRANGE", journalKey(owner.userId, runId), 0, 0], readTexts);
    return /"name":"(First|Second)"/.exec(start)?.[1] ?? start;
  }

  it("is not asked of Redis again by the isolate that has read it a moment ago", async () => {
    const owner = await app.signIn();
    const path = await plantAgent(owner);
    const reads = async (): Promise<number> => {
      app.stack.ledger.reset();
      await nameInRun(owner, path);
      await app.settled();
      return app.stack.ledger.read().byKeyPrefix["agents"] ?? 0;
    };
    expect([await reads(), await reads()]).toEqual([1, 0]);
  });

  it("is the changed one at once after a change, and none after a removal", async () => {
    const owner = await app.signIn();
    const path = await plantAgent(owner);
    expect(await nameInRun(owner, path)).toBe("First");
    await owner.fetch(path, json("PATCH", { name: "Second" }));
    expect(await nameInRun(owner, path)).toBe("Second");
    await owner.fetch(path, { method: "DELETE" });
    expect((await owner.fetch(`${path}/runs`, json("POST", { goal: "Say hello" }))).status).toBe(404);
  });
});
