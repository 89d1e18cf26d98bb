/** Runs of agents are for who may use agents and has tokens left, whichever way they are asked for. */
import { afterAll, beforeAll, beforeEach, describe, expect, it } from "vitest";
import { dayOf } from "../../src/limit/token-budget.ts";
import type { Scope } from "../../src/session/scope.ts";
import { dinnerRequest } from "../support/dinner.ts";
import { planText } from "../support/agent-rig.ts";
import { redisCommand, runClient } from "../support/run-client.ts";
import { startTestApp, type TestApp, type TestCaller } from "../support/test-app.ts";

const ofAgents = ["agent-run", "agent-planning", "agent-execution", "agent-reflection"];
const madeUp = { id: "agt_1", name: "Mine", createdAt: 0, updatedAt: 0 };
/** Its one step writes, which a dry fork does not. */
const plan = JSON.parse(planText({ id: "a", tool: "remember", parameters: { key: "k", value: "v" } })) as object;

let app: TestApp;
let owner: TestCaller;
beforeAll(async () => {
  app = await startTestApp({ time: "stack", bindings: { TOKENS_PER_DAY: "100000" } });
});
beforeEach(async () => {
  owner = await app.signIn();
});
afterAll(() => app.close());

/** Asks in the name of a key of the owner's. */
async function keyOf(scopes: readonly Scope[], more: object = {}) {
  const made = await owner.post("/api/keys", { name: "Robot", scopes, ...more });
  const { key } = (await made.json()) as { key: string };
  return async (path: string, body: unknown = {}): Promise<string> => {
    const headers = { authorization: `Bearer ${key}`, "content-type": "application/json" };
    const response = await app.fetch(path, { method: "POST", headers, body: JSON.stringify(body) });
    const { code = "" } = response.status === 204 ? {} : ((await response.json()) as { code?: string });
    await app.settled();
    return `${response.status} ${code}`.trim();
  };
}

async function ran(path: string, body: object): Promise<string> {
  const { runId } = (await (await owner.post(path, body)).json()) as { runId: string };
  await app.settled();
  return runId;
}

const executed = (): Promise<string> => ran("/api/agents/execute", { goal: "keep", plan });

/** A model that never gives a plan. */
async function failed(): Promise<string> {
  app.stack.model.script({ kind: "reply", text: "I will not.", times: 3 });
  const runId = await ran("/api/agents/planning", { goal: "plan" });
  expect(await runClient(owner).view(runId)).toMatchObject({ status: "failed" });
  return runId;
}

async function parked(): Promise<string> {
  const runId = await ran(`/api/runs/${await executed()}/fork`, { steps: 0 });
  expect(await runClient(owner).view(runId)).toMatchObject({ status: "parked", failure: { code: "dry_run" } });
  return runId;
}

describe.each(ofAgents)("%s", (name) => {
  it("is started by nobody who names it, with an agent of their own making", async () => {
    const input = { agent: madeUp, goal: "x", plan: { steps: [] }, results: [] };
    expect((await owner.post("/api/execute", { name, input })).status).toBe(404);
    const target = { kind: "saga", name, input };
    expect((await owner.post("/api/schedules", { when: { delay: "1m" }, target })).status).toBe(404);
    expect((await runClient(owner).list()).runs).toEqual([]);
  });
});

describe("a fork of an agent's run", () => {
  it("has the agent and the goal of its source: another input is refused in words", async () => {
    const runId = await executed();
    const input = { agent: madeUp, goal: "x", plan };
    const refused = await owner.post(`/api/runs/${runId}/fork`, { steps: 0, input });
    expect([refused.status, await refused.json()]).toMatchObject([
      400,
      { code: "bad_request", errors: [{ pointer: "/input", detail: expect.stringContaining("cannot be changed") }] },
    ]);
    const fork = await ran(`/api/runs/${runId}/fork`, { steps: 0, allowWrites: true });
    expect(await runClient(owner).view(fork)).toMatchObject({ status: "completed", definition: "agent-execution" });
  });
});

describe("a key without the scope of agents", () => {
  it("neither forks an agent's run nor has one tried again", async () => {
    const ask = await keyOf(["runs"]);
    const refused = "403 insufficient_scope";
    expect(await ask(`/api/runs/${await executed()}/fork`, { steps: 0 })).toBe(refused);
    expect(await ask(`/api/runs/${await failed()}/retry`)).toBe(refused);
    const runId = await parked();
    expect(await ask(`/api/runs/${runId}/retry`)).toBe(refused);
    expect(await ask(`/api/runs/${runId}/resume`)).toBe(refused);
    expect(await ask(`/api/dead-letters/${runId}/retry`)).toBe(refused);
    expect(await (await keyOf(["runs", "agents"]))(`/api/dead-letters/${runId}/retry`)).toBe("204");
  });

  it("acts on a run of an agent that is under way, as on any other", async () => {
    const ask = await keyOf(["runs"]);
    const paying = planText({
      id: "pay",
      tool: "restaurant_charge_deposit",
      parameters: { reservationId: "rsv_1", amountCents: 1 },
    });
    const steps = JSON.parse(paying) as object;
    const runId = await ran("/api/agents/execute", { goal: "pay", plan: steps });
    expect(await runClient(owner).view(runId)).toMatchObject({ status: "waiting" });
    for (const act of ["pause", "resume"]) expect(await ask(`/api/runs/${runId}/${act}`)).toBe("202");
    const no = { name: "approval:pay", id: "approval:pay", payload: { approved: false } };
    expect(await ask(`/api/runs/${runId}/signal`, no)).toBe("202");
    expect(await runClient(owner).view(runId)).toMatchObject({ status: "completed" });
    expect(await ask(`/api/runs/${await parked()}/cancel`)).toBe("202");
  });

  it("schedules none", async () => {
    const agent = (await (await owner.post("/api/agents", { name: "Helper" })).json()) as { id: string };
    const schedule = { when: { delay: "1h" }, target: { kind: "agent", agentId: agent.id, goal: "x" } };
    expect(await (await keyOf(["schedules"]))("/api/schedules", schedule)).toBe("403 insufficient_scope");
    expect(await (await keyOf(["schedules", "agents"]))("/api/schedules", schedule)).toBe("201");
  });
});

describe("a key with the scope of schedules alone", () => {
  it.each([
    ["tools", { kind: "tool", name: "calculator", parameters: { expression: "1 + 1" } }],
    ["runs", { kind: "saga", name: "book-dinner", input: dinnerRequest(Date.now()) }],
  ] as const)("schedules nothing of what it could not do at once: %s", async (scope, target) => {
    const schedule = { when: { delay: "1h" }, target };
    expect(await (await keyOf(["schedules"]))("/api/schedules", schedule)).toBe("403 insufficient_scope");
    expect(await (await keyOf(["schedules", scope]))("/api/schedules", schedule)).toBe("201");
  });
});

describe("a key whose tokens of the day are used up", () => {
  it("has no agent's run begin or tried again that would ask a model", async () => {
    const [planned, acted] = [await failed(), await executed()];
    const agent = (await (await owner.post("/api/agents", { name: "Helper" })).json()) as { id: string };
    const ask = await keyOf(["runs", "agents", "schedules"], { tokensPerDay: 100 });
    await redisCommand(app.stack, ["SET", `tokens:{${owner.userId}}:${dayOf(app.stack.clock.now())}`, 100]);
    const refused = "429 rate_limited";
    expect(await ask(`/api/runs/${planned}/fork`, { steps: 0, allowWrites: true })).toBe(refused);
    expect(await ask(`/api/runs/${planned}/retry`)).toBe(refused);
    const target = { kind: "agent", agentId: agent.id, goal: "x" };
    expect(await ask("/api/schedules", { when: { delay: "1h" }, target })).toBe(refused);
    expect(await ask(`/api/runs/${acted}/fork`, { steps: 0, allowWrites: true })).toBe("202");
  });
});
