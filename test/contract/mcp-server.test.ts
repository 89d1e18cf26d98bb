/** Our tools over MCP, as the official client uses them. */
import { Client } from "@modelcontextprotocol/sdk/client/index.js";
import { StreamableHTTPClientTransport } from "@modelcontextprotocol/sdk/client/streamableHttp.js";
import { afterAll, beforeAll, describe, expect, it } from "vitest";
import { limits } from "../../src/core/limits.ts";
import { actingTools } from "../support/acting-tools.ts";
import { startTestApp, type TestApp, type TestCaller } from "../support/test-app.ts";

const tools = actingTools();
let app: TestApp;
let caller: TestCaller;
beforeAll(async () => {
  app = await startTestApp({ tools: [tools.make("act"), tools.make("pay", { effect: "money" })] });
  caller = await app.signIn();
});
afterAll(() => app.close());

/** A client in the name of a caller. */
async function connect(as: TestCaller = caller): Promise<Client> {
  const client = new Client({ name: "tester", version: "1" });
  const transport = new StreamableHTTPClientTransport(new URL("/api/mcp", app.url), {
    fetch: (url, init) => fetch(url, { ...init, headers: withCookie(init?.headers, as.cookie) }),
  });
  await client.connect(transport);
  return client;
}

function withCookie(headers: RequestInit["headers"], cookie: string): Headers {
  const all = new Headers(headers);
  all.set("cookie", cookie);
  return all;
}

async function post(body: unknown, headers: Record<string, string> = {}): Promise<Response> {
  return caller.fetch("/api/mcp", {
    method: "POST",
    body: typeof body === "string" ? body : JSON.stringify(body),
    headers: { "content-type": "application/json", accept: "application/json, text/event-stream", ...headers },
  });
}

describe("the official client", () => {
  it("lists our tools with their schemas, without those that need a person's word", async () => {
    const client = await connect();
    const listed = await client.listTools();
    const names = listed.tools.map(({ name }) => name);
    expect(names).toEqual(expect.arrayContaining(["calculator", "remember", "http_fetch", "restaurant_search"]));
    expect(names).not.toContain("restaurant_charge_deposit");
    expect(names).not.toContain("pay");
    expect(listed.tools.find(({ name }) => name === "calculator")).toMatchObject({
      inputSchema: { type: "object", required: ["expression"] },
      annotations: { readOnlyHint: true },
    });
    await client.close();
  });

  it("calls them, and reads what they answer", async () => {
    const client = await connect();
    const sum = await client.callTool({ name: "calculator", arguments: { expression: "6 * 7" } });
    expect(sum).toMatchObject({ content: [{ type: "text", text: '{"expression":"6 * 7","result":"42"}' }] });
    await client.callTool({ name: "remember", arguments: { key: "colour", value: "green" } });
    const known = await client.callTool({ name: "recall", arguments: { key: "colour" } });
    expect(JSON.stringify(known.content)).toContain("green");
    await client.close();
  });

  it("acts in its user's name alone", async () => {
    const client = await connect(await app.signIn());
    const known = await client.callTool({ name: "recall", arguments: { key: "colour" } });
    expect(JSON.stringify(known.content)).not.toContain("green");
    await client.close();
  });

  it.each([
    ["an unknown tool", "nothing", {}, "There is no tool of this name"],
    ["an input that does not fit", "calculator", { expression: 1 }, "/expression must be a string"],
    ["a tool that needs a person's word", "pay", {}, "needs the approval of a person"],
    ["a huge input", "calculator", { expression: "1".repeat(limits.toolInputCharsMax) }, "longer than"],
  ])("is answered %s in words, as an error of the tool", async (_case, name, input, words) => {
    const client = await connect();
    const refused = await client.callTool({ name, arguments: input });
    expect(refused.isError).toBe(true);
    expect(JSON.stringify(refused.content)).toContain(words);
    await client.close();
  });

  it("acts once for a call that it has named and repeats, and anew for one without a name", async () => {
    tools.reset();
    const client = await connect();
    const named = { name: "act", arguments: {}, _meta: { "skipstone/idempotency-key": "order-1" } };
    await client.callTool(named);
    await client.callTool(named);
    expect(tools.acts).toHaveLength(1);
    await client.callTool({ name: "act", arguments: {} });
    await client.callTool({ name: "act", arguments: {} });
    expect(tools.acts).toHaveLength(3);
    await client.close();
  });
});

describe("POST /api/mcp", () => {
  const list = { jsonrpc: "2.0", id: 1, method: "tools/list" };

  it("answers without a session before it", async () => {
    const response = await post(list);
    expect(response.status).toBe(200);
    expect(await response.json()).toMatchObject({ id: 1, result: { tools: expect.any(Array) as unknown } });
  });

  it.each([
    ["no JSON", "{", {}, 400],
    ["no JSON-RPC", { hello: 1 }, {}, 400],
    ["another content type", list, { "content-type": "text/plain" }, 415],
    ["a client that takes no answer of ours", list, { accept: "text/html" }, 406],
    ["a version from the future", list, { "mcp-protocol-version": "2999-01-01" }, 400],
    ["a body that is too large", "x".repeat(limits.mcpBodyBytesMax + 1), {}, 413],
  ])("refuses %s", async (_case, body, headers, status) => {
    expect((await post(body, headers)).status).toBe(status);
  });

  it("takes one message a request: of a batch no call is made", async () => {
    tools.reset();
    const calls = [1, 2].map((id) => ({ jsonrpc: "2.0", id, method: "tools/call", params: { name: "act" } }));
    for (const batch of [JSON.stringify(calls), ` \r\n\t${JSON.stringify(calls.slice(1))}`, "[]"]) {
      const response = await post(batch);
      expect(response.status).toBe(400);
      expect(await response.json()).toMatchObject({ id: null, error: { code: -32600 } });
    }
    expect(tools.acts).toEqual([]);
  });

  it("takes no message that is nested too deep", async () => {
    const deep = "[".repeat(3_000) + "]".repeat(3_000);
    const response = await post(JSON.stringify(list).replace("}", `,"params":{"_meta":{"a":${deep}}}}`));
    expect(response.status).toBe(400);
    expect(await response.json()).toMatchObject({
      id: null,
      error: { code: -32600, message: expect.stringContaining("nesting") as unknown },
    });
  });

  it("says where its caller stands with the limits, and renews the cookie of a session in use", async () => {
    const twoHoursAgo = { now: () => Date.now() - 2 * 60 * 60 * 1000 };
    const who = await app.signInAs({}, { clock: twoHoursAgo });
    const response = await who.fetch("/api/mcp", {
      method: "POST",
      body: JSON.stringify(list),
      headers: { "content-type": "application/json", accept: "application/json, text/event-stream" },
    });
    expect(response.status).toBe(200);
    expect(response.headers.get("content-type")).toBe("application/json");
    expect(response.headers.get("ratelimit")).toMatch(/^"api";r=\d+;t=\d+$/);
    expect(response.headers.getSetCookie()).toEqual([expect.stringMatching(/^session=/)]);
  });

  it("answers an unknown method with an error of the protocol", async () => {
    const response = await post({ jsonrpc: "2.0", id: 2, method: "resources/list" });
    expect(await response.json()).toMatchObject({ id: 2, error: { code: -32601 } });
  });

  it("says to a client that would listen or end a session that there is none", async () => {
    for (const method of ["GET", "DELETE"]) {
      const response = await caller.fetch("/api/mcp", { method });
      expect([response.status, response.headers.get("allow")]).toEqual([405, "POST"]);
    }
  });
});
