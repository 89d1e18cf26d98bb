import type { TestApp, TestCaller } from "../support/test-app.ts";
import type { Planted } from "./route-access.ts";

/** Stands in what the owner has, so that an answer which tells of it is seen. */
export const secretWords = "my password is xylophone-4711";

/** Gives the owner one of everything that has an id. */
export async function plant(app: TestApp, owner: TestCaller): Promise<Planted> {
  const conversationId = "private-talk";
  await (await owner.chat(conversationId, "m-1", `Remember that ${secretWords}`)).text();
  const agent = await owner.post("/api/agents", { name: "Helper", instructions: secretWords });
  const run = await owner.post("/api/execute", { name: "wait-for-go", input: {} });
  const sessions = await owner.fetch("/api/sessions");
  const { id: agentId } = (await agent.json()) as { id: string };
  const key = "password";
  await owner.post(`/api/memory/knowledge/${agentId}/${key}`, { value: secretWords }, { method: "PUT" });
  const target = { kind: "agent", agentId, goal: `Remember that ${secretWords}` };
  const schedule = await owner.post("/api/schedules", { when: { delay: "1h" }, target });
  const call = { parameters: { key: "secret", value: secretWords } };
  const queued = await owner.post("/api/tools/remember/queue", call);
  const apiKey = await owner.post("/api/keys", { name: secretWords, scopes: ["chat"] });
  const erasure = await (await app.signIn()).fetch("/api/memory", { method: "DELETE" });
  await app.settled();
  const { runId } = (await run.json()) as { runId: string };
  return {
    conversationId,
    agentId,
    key,
    name: "calculator",
    executionId: ((await queued.json()) as { executionId: string }).executionId,
    keyId: ((await apiKey.json()) as { id: string }).id,
    scheduleId: ((await schedule.json()) as { scheduleId: string }).scheduleId,
    runId,
    erasureId: ((await erasure.json()) as { erasureId: string }).erasureId,
    letterId: runId,
    sessionId: ((await sessions.json()) as { sessions: { id: string }[] }).sessions[0]!.id,
  };
}

/** What is left of it, as its owner sees it. */
export async function look(owner: TestCaller, planted: Planted): Promise<unknown> {
  const get = async (path: string): Promise<unknown> => (await owner.fetch(path)).json();
  return {
    conversation: await get(`/api/conversations/${planted["conversationId"]}`),
    messages: await get(`/api/conversations/${planted["conversationId"]}/messages`),
    agent: await get(`/api/agents/${planted["agentId"]}`),
    run: await get(`/api/runs/${planted["runId"]}`),
    sessions: await get("/api/sessions"),
    keys: await get("/api/keys"),
    knowledge: await get(`/api/memory/knowledge/${planted["agentId"]}`),
    schedules: await get("/api/schedules"),
    execution: await get(`/api/tools/executions/${planted["executionId"]}`),
  };
}
