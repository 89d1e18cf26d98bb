import type { TestApp, TestCaller } from "../support/test-app.ts";
import { defective, waitForGo } from "../support/test-runs.ts";
import type { Planted } from "./route-access.ts";

/** Stands in what the owner has, so that an answer which tells of it is seen. */
export const secretWords = "my password is xylophone-4711";

/** Definitions of the runs that are planted. */
export const plantedRuns = [waitForGo, defective];

/** Gives the owner one of everything that has an id. */
export async function plant(app: TestApp, owner: TestCaller): Promise<Planted> {
  const { userId } = owner;
  const conversationId = "private-talk";
  await (await owner.chat(conversationId, "m-1", `Remember that ${secretWords}`)).text();
  const { id: agentId } = await made<{ id: string }>(
    owner.post("/api/agents", { name: "Helper", instructions: secretWords }),
  );
  const key = "password";
  const target = { kind: "agent", agentId, goal: `Remember that ${secretWords}` };
  const [runs, executions, schedule, apiKey, { sessions }, erasureId] = await Promise.all([
    plantRuns(app, owner),
    plantExecutions(owner),
    made<{ scheduleId: string }>(owner.post("/api/schedules", { when: { cron: "0 0 1 1 *" }, target })),
    made<{ id: string }>(owner.post("/api/keys", { name: secretWords, scopes: ["chat"] })),
    made<{ sessions: { id: string }[] }>(owner.fetch("/api/sessions")),
    erasureOf(app),
    made(owner.post(`/api/memory/knowledge/${agentId}/${key}`, { value: secretWords }, { method: "PUT" })),
  ]);
  await app.settled();
  const ids = { scheduleId: schedule.scheduleId, keyId: apiKey.id, sessionId: sessions[0]!.id, erasureId };
  return { userId, conversationId, agentId, key, name: "calculator", ...runs, ...executions, ...ids };
}

async function made<T>(answered: Promise<Response>): Promise<T> {
  const response = await answered;
  if (!response.ok) throw new Error(`nothing was planted: ${response.status} ${await response.text()}`);
  return (await response.json()) as T;
}

/** One that waits, one that is parked, one whose wake-up the queue has given up, and one that redrives nothing. */
async function plantRuns(app: TestApp, owner: TestCaller): Promise<Planted> {
  const start = async (name: string): Promise<string> =>
    (await made<{ runId: string }>(owner.post("/api/execute", { name, input: {} }))).runId;
  const [runId, dueRunId, parkedRunId] = [
    await start("wait-for-go"),
    await start("wait-for-go"),
    await start("defective"),
  ];
  await app.settled();
  const refusal = { action: "status", status: 489, headers: { "Upstash-NonRetryable-Error": "true" } } as const;
  app.stack.faults.add({ server: "delivery", match: dueRunId, count: 1, ...refusal });
  await made(owner.post(`/api/runs/${dueRunId}/signal`, { name: "go" }));
  const nothing = { perMinute: 20, cause: "of no letter" };
  const { runId: redriveId } = await made<{ runId: string }>(owner.post("/api/dead-letters/redrive", nothing));
  await app.settled();
  const { letters } = await made<{ letters: { id: string }[] }>(owner.fetch("/api/dead-letters?cursor=m"));
  return { runId, dueRunId, parkedRunId, redriveId, letterId: parkedRunId, deadMessageId: letters[0]!.id };
}

/** One that is done, one that waits for its time, and the id of one that nobody has queued yet. */
async function plantExecutions(owner: TestCaller): Promise<Planted> {
  const queue = async (tool: string, body: object): Promise<string> =>
    (await made<{ executionId: string }>(owner.post(`/api/tools/${tool}/queue`, body))).executionId;
  return {
    executionId: await queue("remember", { parameters: { key: "secret", value: secretWords } }),
    waitingExecutionId: await queue("calculator", { parameters: { expression: "1 + 1" }, delay: 86_400 }),
    newExecutionId: `exe_${crypto.randomUUID().replaceAll("-", "")}`,
  };
}

const erasures = new WeakMap<TestApp, Promise<string>>();

/** Of somebody who is gone; its id is all that one needs, so one serves everybody. */
function erasureOf(app: TestApp): Promise<string> {
  const erase = async (): Promise<string> => {
    const somebody = await app.signIn();
    return (await made<{ erasureId: string }>(somebody.fetch("/api/memory", { method: "DELETE" }))).erasureId;
  };
  const known = erasures.get(app) ?? erase();
  erasures.set(app, known);
  return known;
}

/** What is left of it, as its owner sees it. */
export async function look(owner: TestCaller, planted: Planted): Promise<unknown> {
  const get = async (path: string): Promise<unknown> => (await owner.fetch(path)).json();
  return {
    conversation: await get(`/api/conversations/${planted["conversationId"]}`),
    messages: await get(`/api/conversations/${planted["conversationId"]}/messages`),
    agent: await get(`/api/agents/${planted["agentId"]}`),
    run: await get(`/api/runs/${planted["runId"]}`),
    parked: await get(`/api/runs/${planted["parkedRunId"]}`),
    letters: [await get("/api/dead-letters"), await get("/api/dead-letters?cursor=m")],
    sessions: await get("/api/sessions"),
    keys: await get("/api/keys"),
    knowledge: await get(`/api/memory/knowledge/${planted["agentId"]}`),
    schedules: await get("/api/schedules"),
    executions: [
      await get(`/api/tools/executions/${planted["executionId"]}`),
      await get(`/api/tools/executions/${planted["waitingExecutionId"]}`),
    ],
  };
}
