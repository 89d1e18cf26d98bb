/** Agents over HTTP: what a user sets up, and what is asked of it. */
import { afterAll, beforeAll, describe, expect, it } from "vitest";
import { agentLimits, type Agent } from "../../src/agent/run/agent.ts";
import type { RunView } from "../../src/engine/run-view.ts";
import { planText, summaryText } from "../support/agent-rig.ts";
import { readEvents, runClient } from "../support/run-client.ts";
import { startTestApp, type TestApp, type TestCaller } from "../support/test-app.ts";

let app: TestApp;
let caller: TestCaller;
beforeAll(async () => {
  app = await startTestApp();
  caller = await app.signIn();
});
afterAll(() => app.close());

/** The model says these, one a call. */
function scriptModel(...replies: readonly string[]): void {
  for (const text of replies) app.stack.model.script({ kind: "reply", text, times: 1 });
}

const sum = (id: string, expression: string, more: object = {}) => ({
  id,
  tool: "calculator",
  parameters: { expression },
  ...more,
});

async function createAgent(who: TestCaller, draft: object = {}): Promise<Agent> {
  const response = await who.post("/api/agents", { name: "Helper", ...draft });
  expect(response.status).toBe(201);
  return (await response.json()) as Agent;
}

async function waitedRun(path: string, body: object): Promise<{ status: number; view: RunView }> {
  const response = await caller.post(path, body, { headers: { prefer: "wait=20" } });
  await app.background();
  const view = (await response.json()) as RunView;
  return { status: response.status, view };
}

describe("agents of a user", () => {
  it("are made, read, changed and deleted", async () => {
    const who = await app.signIn();
    const agent = await createAgent(who, { instructions: "Be brief.", tools: ["calculator"], limits: { steps: 5 } });
    expect(agent).toMatchObject({ name: "Helper", tools: ["calculator"], limits: { steps: 5 } });
    const path = `/api/agents/${agent.id}`;
    expect(await (await who.fetch(path)).json()).toEqual(agent);
    const changed = await who.fetch(path, {
      method: "PATCH",
      headers: { "content-type": "application/json" },
      body: JSON.stringify({ name: "Other", instructions: null }),
    });
    expect(changed.status).toBe(200);
    const { instructions: _gone, ...rest } = agent;
    expect(await changed.json()).toEqual({ ...rest, name: "Other", updatedAt: expect.any(Number) });
    expect(await (await who.fetch("/api/agents")).json()).toMatchObject({ agents: [{ name: "Other" }] });
    expect((await who.fetch(path, { method: "DELETE" })).status).toBe(204);
    expect((await who.fetch(path, { method: "DELETE" })).status).toBe(404);
    expect((await who.fetch(path)).status).toBe(404);
    expect(await (await who.fetch("/api/agents")).json()).toEqual({ agents: [] });
  });

  it("lose no change of those that come at once", async () => {
    const who = await app.signIn();
    const { id } = await createAgent(who);
    const changes = [{ name: "Other" }, { instructions: "Be brief." }, { limits: { steps: 7 } }];
    const answers = await Promise.all(
      changes.map((change) =>
        who.fetch(`/api/agents/${id}`, {
          method: "PATCH",
          headers: { "content-type": "application/json" },
          body: JSON.stringify(change),
        }),
      ),
    );
    expect(answers.map(({ status }) => status)).toEqual([200, 200, 200]);
    expect(await (await who.fetch(`/api/agents/${id}`)).json()).toMatchObject(Object.assign({}, ...changes) as object);
  });

  it("are nobody else's", async () => {
    const agent = await createAgent(await app.signIn());
    const other = await app.signIn();
    expect((await other.fetch(`/api/agents/${agent.id}`)).status).toBe(404);
    expect((await other.fetch(`/api/agents/${agent.id}`, { method: "DELETE" })).status).toBe(404);
    expect((await other.post(`/api/agents/${agent.id}/runs`, { goal: "x" })).status).toBe(404);
    expect((await other.post("/api/agents/planning", { agentId: agent.id, goal: "x" })).status).toBe(404);
    expect((await app.fetch(`/api/agents/${agent.id}`)).status).toBe(401);
  });

  it.each([
    ["no name", {}],
    ["an empty name", { name: "  " }],
    ["a long name", { name: "x".repeat(agentLimits.nameCharsMax + 1) }],
    ["instructions without end", { name: "A", instructions: "x".repeat(agentLimits.instructionsCharsMax + 1) }],
    ["a tool that is not there", { name: "A", tools: ["../etc/passwd"] }],
    [
      "more tools than there may be",
      { name: "A", tools: Array.from({ length: agentLimits.toolsMax + 1 }, () => "calculator") },
    ],
    ["a limit of nothing", { name: "A", limits: { steps: 0 } }],
    ["a limit without a limit", { name: "A", limits: { steps: 1e9 } }],
    ["a limit that nobody knows", { name: "A", limits: { mood: 1 } }],
    ["another shape", { name: "A", shape: "circle" }],
    ["a field that nobody knows", { name: "A", admin: true }],
    ["a list", []],
  ])("are refused with %s", async (_name, draft) => {
    const who = await app.signIn();
    const response = await who.post("/api/agents", draft);
    expect(response.status).toBe(400);
    expect(await response.json()).toMatchObject({ code: "bad_request" });
  });

  it("are made at most five times a minute", async () => {
    const who = await app.signIn();
    const statuses: number[] = [];
    for (let number = 0; number < 6; number += 1) {
      statuses.push((await who.post("/api/agents", { name: "A" })).status);
    }
    expect(statuses).toEqual([201, 201, 201, 201, 201, 429]);
  });

  it.each(["", "x", "agt_", "agt_ABC", "..%2f..", `agt_${"0".repeat(33)}`, "planning"])(
    "are not found at %j",
    async (id) => {
      const response = await caller.fetch(`/api/agents/${id}`, { method: "DELETE" });
      expect(response.status).toBe(404);
    },
  );
});

describe("a run of an agent over HTTP", () => {
  it("is recorded at once, and its end has plan, results and summary", async () => {
    const agent = await createAgent(caller, { tools: ["calculator"] });
    scriptModel(
      planText(sum("a", "6 * 7"), sum("b", "1 + 1"), {
        ...sum("c", ""),
        parameters: { expression: { $from: "a", path: "result" } },
        dependsOn: ["a", "b"],
      }),
      summaryText("It is 42."),
    );
    const { status, view } = await waitedRun(`/api/agents/${agent.id}/runs`, { goal: "reckon" });
    expect([status, view.status]).toEqual([200, "completed"]);
    const { output } = await runClient(caller).view(view.runId);
    expect(output).toMatchObject({
      summary: "It is 42.",
      results: [
        { id: "a", status: "done", output: { result: "42" } },
        { id: "b", status: "done", output: { result: "2" } },
        { id: "c", status: "done", output: { result: "42" } },
      ],
    });
  });

  it("calls the model twice and the queue not once for a plan of three steps", async () => {
    scriptModel(planText(sum("a", "1+1"), sum("b", "2+2"), sum("c", "3+3")), summaryText("Done."));
    app.stack.ledger.reset();
    const { view } = await waitedRun("/api/agents/workflow", { goal: "reckon" });
    expect(view.status).toBe("completed");
    const { modelCalls, messages } = app.stack.ledger.read();
    expect([modelCalls, messages]).toEqual([2, 0]);
  });

  it("shows what it does in its conversation, and leaves question and answer there", async () => {
    scriptModel(planText(sum("a", "2 ^ 10")), summaryText("It is 1024."));
    const { view } = await waitedRun("/api/agents/workflow", { goal: "reckon", conversationId: "with-agent" });
    const aborter = new AbortController();
    const response = await caller.fetch(`/api/runs/${view.runId}/events`, { signal: aborter.signal });
    const types = (await readEvents(response)).map(({ type }) => type);
    expect(types).toContain("plan-created");
    expect(types.at(-1)).toBe("workflow-completed");
    const stored = await caller.fetch("/api/conversations/with-agent/messages");
    const { messages } = (await stored.json()) as { messages: { role: string; parts: unknown[] }[] };
    expect(messages.map(({ role }) => role)).toEqual(["user", "assistant"]);
    expect(JSON.stringify(messages[1])).toContain("It is 1024.");
    const { conversations } = (await (await caller.fetch("/api/conversations")).json()) as {
      conversations: { id: string; title: string }[];
    };
    expect(conversations.find(({ id }) => id === "with-agent")).toMatchObject({ title: "reckon" });
  });

  it("is followed live by whoever follows the conversation", async () => {
    const aborter = new AbortController();
    const stream = await caller.fetch("/api/conversations/live/events", { signal: aborter.signal });
    const reading = readEvents(stream, 8);
    scriptModel(planText(sum("a", "1 + 2")), summaryText("Three."));
    const { view } = await waitedRun("/api/agents/workflow", { goal: "reckon", conversationId: "live" });
    const events = await reading;
    expect(events.map(({ type }) => type).slice(0, 3)).toEqual([
      "workflow-started",
      "segment-started",
      "phase-started",
    ]);
    expect(events.every(({ data }) => data["runId"] === view.runId)).toBe(true);
    const from = events[4]!;
    const again = await caller.fetch("/api/conversations/live/events", {
      headers: { "last-event-id": from.id },
      signal: aborter.signal,
    });
    expect((await readEvents(again, 2)).map(({ id }) => id)).toEqual(events.slice(5, 7).map(({ id }) => id));
    aborter.abort();
  });

  it("starts once with an Idempotency-Key", async () => {
    scriptModel(planText(sum("a", "1 + 2")), summaryText("Three."));
    const headers = { "idempotency-key": "k1", prefer: "wait=20" };
    const first = (await (await caller.post("/api/agents/workflow", { goal: "once" }, { headers })).json()) as RunView;
    await app.background();
    const second = (await (await caller.post("/api/agents/workflow", { goal: "once" }, { headers })).json()) as RunView;
    expect(second).toMatchObject({ runId: first.runId, status: "completed" });
    expect((await caller.post("/api/agents/workflow", { goal: "twice" }, { headers })).status).toBe(409);
  });

  it("starts once with an Idempotency-Key, also where its agent was changed in between", async () => {
    const agent = await createAgent(caller, { tools: ["calculator"] });
    const other = await createAgent(caller, { tools: ["calculator"] });
    const said = { goal: "keep", conversationId: "kept" };
    const ask = (body: object, agentId = agent.id): Promise<Response> =>
      caller.post(`/api/agents/${agentId}/runs`, body, { headers: { "idempotency-key": "k2" } });
    scriptModel(planText(sum("a", "1 + 2")), summaryText("Three."));
    const first = (await (await ask(said)).json()) as RunView;
    await app.settled();
    const headers = { "content-type": "application/json" };
    await caller.fetch(`/api/agents/${agent.id}`, { method: "PATCH", headers, body: '{"name":"Renamed"}' });
    const again = await ask({ conversationId: "kept", goal: "keep" });
    expect([again.status, ((await again.json()) as RunView).runId]).toEqual([200, first.runId]);
    for (const [body, agentId] of [
      [said, other.id],
      [{ ...said, goal: "lose" }],
      [{ ...said, conversationId: "other" }],
      [{ goal: said.goal }],
      [{ ...said, executor: "workflow" }],
    ] as const) {
      expect((await ask(body, agentId)).status, JSON.stringify(body)).toBe(409);
    }
    await app.settled();
  });

  it.each([
    ["no goal", {}],
    ["an empty goal", { goal: " " }],
    ["a goal that is too long", { goal: "x".repeat(agentLimits.goalCharsMax + 1) }],
    ["a conversation that cannot be one", { goal: "x", conversationId: "a/b" }],
    ["a field that nobody knows", { goal: "x", force: true }],
  ])("is refused with %s", async (_name, body) => {
    expect((await caller.post("/api/agents/workflow", body)).status).toBe(400);
  });

  it("is refused with an agent that is not there", async () => {
    expect((await caller.post("/api/agents/workflow", { goal: "x", agentId: "agt_1" })).status).toBe(404);
  });
});

describe("the phases of an agent by themselves", () => {
  it("plan, act and sum up, each with what the one before made", async () => {
    scriptModel(planText(sum("a", "5 * 5")));
    const planned = (await waitedRun("/api/agents/planning", { goal: "square" })).view;
    const { plan } = planned.output as unknown as { plan: object };
    expect(plan).toMatchObject({ steps: [{ id: "a", tool: "calculator" }] });
    const acted = (await waitedRun("/api/agents/execute", { goal: "square", plan })).view;
    const { results } = acted.output as unknown as { results: object[] };
    expect(results).toMatchObject([{ id: "a", status: "done", output: { result: "25" } }]);
    scriptModel(summaryText("Twenty-five."));
    const summed = (await waitedRun("/api/agents/reflect", { goal: "square", plan, results })).view;
    expect(summed.output).toMatchObject({ summary: "Twenty-five." });
  });

  it.each([
    ["is none", { steps: "no" }],
    ["has 1,000 steps", { steps: Array.from({ length: 1_000 }, (_step, index) => sum(`s${index}`, "1")) }],
    ["has a circle", { steps: [sum("a", "1", { dependsOn: ["b"] }), sum("b", "1", { dependsOn: ["a"] })] }],
    ["names a tool that is not there", { steps: [{ id: "a", tool: "a/../b", parameters: {} }] }],
    ["has parameters that do not fit", { steps: [{ id: "a", tool: "calculator", parameters: { expression: 1 } }] }],
    ["refers to nothing", { steps: [{ id: "a", tool: "calculator", parameters: { expression: { $from: "z" } } }] }],
  ])("refuse a plan that %s, in words", async (_name, plan) => {
    const { view } = await waitedRun("/api/agents/execute", { goal: "x", plan });
    expect(view).toMatchObject({
      status: "failed",
      failure: { code: "no_plan", message: expect.stringContaining("plan") },
    });
  });

  it("refuse parameters of a megabyte", async () => {
    const plan = { steps: [sum("a", "1".repeat(1024 * 1024))] };
    expect((await caller.post("/api/agents/execute", { goal: "x", plan })).status).toBe(413);
  });
});
