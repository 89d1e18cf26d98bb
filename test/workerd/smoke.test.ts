/** The Worker as it is deployed, in workerd, against the local stack: the edge answers as documented. */
import { exports } from "cloudflare:workers";
import { describe, expect, inject, it } from "vitest";
import { logLines } from "./watch-log.ts";

const origin = "http://app.test";

function ask(path: string, init?: RequestInit): Promise<Response> {
  return exports.default.fetch(new Request(`${origin}${path}`, init));
}

function postJson(path: string, body: unknown, headers: Record<string, string> = {}): Promise<Response> {
  return ask(path, {
    method: "POST",
    headers: { "content-type": "application/json", ...headers },
    body: JSON.stringify(body),
  });
}

async function openSession(): Promise<{ cookie: string; userId: string; setCookie: string }> {
  const response = await ask("/api/sessions", { method: "POST" });
  expect(response.status).toBe(201);
  const { userId } = await response.json<{ userId: string }>();
  const setCookie = response.headers.get("set-cookie") ?? "";
  return { userId, setCookie, cookie: setCookie.split(";")[0] ?? "" };
}

async function expectProblem(response: Response, status: number, code: string): Promise<void> {
  expect(response.status).toBe(status);
  expect(response.headers.get("content-type")).toContain("application/problem+json");
  expect(await response.json()).toMatchObject({ status, code, requestId: expect.any(String) });
}

describe("operations", () => {
  it("/health answers without asking any dependency", async () => {
    expect((await ask("/health")).status).toBe(200);
  });

  it("/ready answers 200 while Redis answers", async () => {
    expect((await ask("/ready")).status).toBe(200);
  });

  it("the log of a request is where it is searched for secrets", async () => {
    const { headers } = await ask("/ready");
    expect(logLines.join("\n")).toContain(headers.get("x-request-id"));
  });

  it("an unknown route is a problem with a code", async () => {
    await expectProblem(await ask("/api/nowhere"), 404, "not_found");
  });
});

describe("sessions", () => {
  it("a guest gets a user id and a cookie that scripts cannot read", async () => {
    const { userId, setCookie } = await openSession();
    expect(userId).not.toBe("");
    expect(setCookie).toMatch(/HttpOnly/i);
    expect(setCookie).toMatch(/SameSite=/i);
  });

  it("the cookie names the same user in the next request", async () => {
    const { userId, cookie } = await openSession();
    const response = await ask("/api/sessions/current", { headers: { cookie } });
    expect(await response.json()).toMatchObject({ userId });
  });

  it("a forged cookie is nobody", async () => {
    const { cookie } = await openSession();
    const forged = `${cookie.slice(0, -4)}AAAA`;
    await expectProblem(await ask("/api/sessions/current", { headers: { cookie: forged } }), 401, "unauthenticated");
  });
});

describe("chat", () => {
  const message = { id: "m-1", role: "user", parts: [{ type: "text", text: "Hello" }] };
  const turn = { id: "c-1", messages: [message], trigger: "submit-message" };

  it("a turn without a cookie is refused", async () => {
    await expectProblem(await postJson("/api/chat", turn), 401, "unauthenticated");
  });

  it("a turn streams UI messages to their end and stays in the history", async () => {
    const { cookie } = await openSession();
    const response = await postJson("/api/chat", turn, { cookie });
    expect(response.status).toBe(200);
    expect(response.headers.get("x-vercel-ai-ui-message-stream")).toBe("v1");
    const stream = await response.text();
    expect(stream).toContain('"type":"text-delta"');
    expect(stream).toMatch(/data: \[DONE\]\n\n(?::.*\n\n)?$/);

    const history = await ask("/api/conversations/c-1/messages", { headers: { cookie } });
    const { messages } = await history.json<{ messages: { role: string }[] }>();
    expect(messages.map(({ role }) => role)).toEqual(["user", "assistant"]);
  });

  it("another guest does not see the conversation", async () => {
    const owner = await openSession();
    await (await postJson("/api/chat", turn, { cookie: owner.cookie })).text();
    const other = await openSession();
    await expectProblem(await ask("/api/conversations/c-1", { headers: { cookie: other.cookie } }), 404, "not_found");
  });
});

describe("a run", () => {
  it("of the example saga reaches its partner and waits for its guest", async () => {
    const { cookie } = await openSession();
    const at = new Date(Date.now() + 3 * 60 * 60 * 1_000).toISOString();
    const order = { name: "book-dinner", input: { city: "Rome", partySize: 2, at, guest: "Ada" } };
    const response = await postJson("/api/execute", order, { cookie, prefer: "wait=10" });
    expect(response.status).toBe(202);
    const run = await response.json<{ runId: string }>();
    expect(run).toMatchObject({ status: "waiting", steps: 3, waits: [{ step: "guest-confirms" }] });
    expect((await ask(`/api/runs/${run.runId}/receipt`, { headers: { cookie } })).status).toBe(200);
  });
});

describe("MCP", () => {
  it("serves our tools, through the official library", async () => {
    const { cookie } = await openSession();
    const headers = { cookie, accept: "application/json, text/event-stream" };
    const call = { name: "calculator", arguments: { expression: "6 * 7" } };
    const response = await postJson("/api/mcp", { jsonrpc: "2.0", id: 1, method: "tools/call", params: call }, headers);
    expect(await response.json()).toMatchObject({ id: 1, result: { content: [{ type: "text" }] } });
  });

  it("has an agent use the tools of another server, through the official client", async () => {
    const { cookie } = await openSession();
    const mcpServers = [{ name: "notes", url: inject("remoteMcpUrl") }];
    const created = await postJson("/api/agents", { name: "Keeper", mcpServers }, { cookie });
    expect(created.status).toBe(201);
    const { id: agentId } = await created.json<{ id: string }>();
    const plan = { steps: [{ id: "a", tool: "notes_find", parameters: { text: "milk" }, dependsOn: [], why: "" }] };
    const order = { agentId, goal: "find it", plan };
    const response = await postJson("/api/agents/execute", order, { cookie, prefer: "wait=20" });
    expect(await response.json()).toMatchObject({ output: { results: [{ output: { text: "found milk" } }] } });
  });
});
