/** Tools of other people's MCP servers in the hands of an agent; the server is the official library's. */
import { afterAll, beforeAll, beforeEach, describe, expect, it } from "vitest";
import * as z from "zod";
import { toolBreakerKey } from "../../src/upstash/keys.ts";
import { planText } from "../support/agent-rig.ts";
import { startNotesRig, type NotesRig } from "../support/notes-rig.ts";
import { redisCommand, runClient } from "../support/run-client.ts";

const secret = "Bearer s3cr3t-of-the-user";

let rig: NotesRig;
beforeAll(async () => {
  rig = await startNotesRig();
});
beforeEach(() => rig.reset());
afterAll(() => rig.close());

describe("a server that an agent is given", () => {
  it("is asked what it offers: names, descriptions, schemas and effects stand with the agent", async () => {
    const { mcpServers } = await rig.createAgent({}, [rig.server({ tools: ["find", "Add-Note"] })]);
    expect(mcpServers).toEqual([
      {
        ...rig.server({ tools: ["find", "Add-Note"] }),
        headerNames: [],
        remoteTools: [
          {
            name: "notes_find",
            remoteName: "find",
            description: "Finds notes.",
            inputSchema: {
              type: "object",
              properties: { text: { type: "string", maxLength: 100 } },
              required: ["text"],
            },
            effect: "read",
            isRepeatable: true,
          },
          expect.objectContaining({ name: "notes_add_note", effect: "write", isRepeatable: false }),
        ],
      },
    ]);
    expect(rig.remote.asked).toEqual(["initialize", "notifications/initialized", "tools/list"]);
  });

  it.each([
    ["a private address", [{ name: "a", url: "http://10.0.0.1/mcp" }], "is not a public address"],
    ["the metadata service", [{ name: "a", url: "http://169.254.169.254/" }], "is not a public address"],
    ["no URL", [{ name: "a", url: "nonsense" }], "no URL"],
    ["credentials in its URL", [{ name: "a", url: "https://u:p@example.com/" }], "user or password"],
  ])("is refused at %s, and nothing is sent", async (_case, mcpServers, words) => {
    const response = await rig.caller().post("/api/agents", { name: "A", mcpServers });
    expect(response.status).toBe(400);
    expect(((await response.json()) as { detail: string }).detail).toContain(words);
  });

  it.each([
    ["answers no protocol", () => Response.json({ hello: 1 }), "does not speak the protocol"],
    ["answers a page", () => new Response("<p>", { headers: { "content-type": "text/html" } }), "speak the protocol"],
    ["does not let us in", () => new Response("s3cr3t-of-the-user", { status: 401 }), "HTTP 401"],
    ["redirects elsewhere", () => Response.redirect("http://10.0.0.1/", 307), "HTTP 307"],
    ["breaks off", () => Promise.reject(new Error("gone")), "does not answer"],
    ["answers too much", () => Response.json("x".repeat(600 * 1024)), "bytes"],
  ])("that %s is refused in words", async (_case, answer, words) => {
    rig.remote.intercept(answer);
    const response = await rig.caller().post("/api/agents", {
      name: "A",
      mcpServers: [rig.server({ headers: { Authorization: secret } })],
    });
    expect(response.status).toBe(400);
    const body = await response.text();
    expect(body).toContain(words);
    expect(body).not.toContain("s3cr3t");
  });

  it.each([
    ["a tool that it has not", { tools: ["nothing"] }],
    ["a name that is none", { name: "My Server" }],
    ["a header of the protocol", { headers: { "Mcp-Session-Id": "x" } }],
    ["a header of two lines", { headers: { "X-A": "a\r\nX-B: b" } }],
    ["nine headers", { headers: Object.fromEntries(Array.from({ length: 9 }, (_h, n) => [`X-${n}`, "v"])) }],
    ["a field that nobody knows", { command: "sh" }],
  ])("is refused with %s", async (_case, over) => {
    expect((await rig.caller().post("/api/agents", { name: "A", mcpServers: [rig.server(over)] })).status).toBe(400);
  });

  it("may be one of four, each with a name of its own", async () => {
    const named = (count: number) =>
      Array.from({ length: count }, (_server, at) => rig.server({ name: `s${at}`, tools: ["find"] }));
    await rig.createAgent({}, named(4));
    expect((await rig.caller().post("/api/agents", { name: "A", mcpServers: named(5) })).status).toBe(400);
    expect(
      (await rig.caller().post("/api/agents", { name: "A", mcpServers: [rig.server(), rig.server()] })).status,
    ).toBe(400);
  });

  it("with more tools than fit is refused, and may be given by some of them", async () => {
    rig.remote.offer((many) => {
      for (let at = 0; at < 33; at += 1) many.registerTool(`tool_${at}`, {}, () => ({ content: [] }));
    });
    const refused = await rig.caller().post("/api/agents", { name: "A", mcpServers: [rig.server()] });
    expect(((await refused.json()) as { detail: string }).detail).toContain("33 tools; choose at most 32");
    expect((await rig.createAgent({}, [rig.server({ tools: ["tool_7"] })])).mcpServers?.[0]?.remoteTools).toHaveLength(
      1,
    );
  });
});

describe("an agent that is changed while a server of the change is asked", () => {
  it("keeps the change that came first, and the other is told so", async () => {
    const agent = await rig.createAgent();
    rig.remote.intercept(async (method) => {
      if (method === "tools/list") await rig.patch(agent, { name: "First" });
      return undefined;
    });
    const path = `/api/agents/${agent.id}`;
    const late = await rig.caller().post(path, { mcpServers: [rig.server({ tools: ["find"] })] }, { method: "PATCH" });
    expect([late.status, ((await late.json()) as { code: string }).code]).toEqual([409, "changed_meanwhile"]);
    const { updatedAt: _later, ...before } = agent;
    expect(await (await rig.caller().fetch(path)).json()).toMatchObject({ ...before, name: "First" });
  });
});

describe("a run whose agent has a server", () => {
  it("calls what only reads at once, and what acts when a person has agreed, once and under a key", async () => {
    const agent = await rig.createAgent();
    expect(await rig.resultOf(await rig.callTool(agent, "notes_find", { text: "milk" }))).toMatchObject({
      status: "done",
      output: { text: "found milk" },
    });
    const runId = await rig.callTool(agent, "notes_add_note", { text: "milk" });
    expect(await runClient(rig.caller()).view(runId)).toMatchObject({ status: "waiting" });
    expect(rig.added).toEqual([]);
    expect(await rig.approve(runId)).toBeLessThan(300);
    await rig.app.settled();
    expect(await rig.resultOf(runId)).toMatchObject({ status: "done", output: { text: "added" } });
    expect(rig.added).toEqual([{ text: "milk", key: expect.stringMatching(/^.{8,}$/) as unknown }]);
  });

  it("is denied them where its agent lacks the scope, whatever its plan says", async () => {
    const agent = await rig.createAgent({ scopes: ["web:read"], limits: { replans: 0 } });
    rig.app.stack.model.script({
      kind: "reply",
      text: planText({ id: "a", tool: "notes_find", parameters: { text: "x" } }),
      times: 3,
    });
    const response = await rig.caller().post(`/api/agents/${agent.id}/runs`, { goal: "x" });
    const { runId } = (await response.json()) as { runId: string };
    await rig.app.settled();
    expect(JSON.stringify(await runClient(rig.caller()).view(runId))).toContain("needs mcp:call");
    expect(rig.remote.asked).not.toContain("tools/call");
  });

  it("tells the model what does not fit the schema, without asking the server", async () => {
    const agent = await rig.createAgent({ limits: { replans: 0 } });
    rig.app.stack.model.script({
      kind: "reply",
      text: planText({ id: "a", tool: "notes_find", parameters: { text: 7 } }),
      times: 1,
    });
    const runId = await rig.callTool(agent, "notes_find", { text: "milk" });
    expect(await rig.resultOf(runId)).toMatchObject({ status: "done" });
    const refused = (await runClient(rig.caller()).events(runId)).find(({ type }) => type === "plan-refused");
    expect(JSON.stringify(refused)).toContain("/text");
    expect(rig.remote.asked.filter((method) => method === "tools/call")).toHaveLength(1);
  });

  it("is told in words by a tool whose schema has changed, and has the new one when the agent is saved again", async () => {
    const agent = await rig.createAgent({ limits: { replans: 0 } });
    rig.remote.offer((changed) => {
      changed.registerTool(
        "find",
        { inputSchema: { query: z.string() }, annotations: { readOnlyHint: true } },
        ({ query }) => ({
          content: [{ type: "text", text: `new ${query}` }],
        }),
      );
    });
    expect(await rig.resultOf(await rig.callTool(agent, "notes_find", { text: "milk" }))).toMatchObject({
      status: "failed",
      errorText: expect.stringContaining("query") as unknown,
    });
    const saved = await rig.patch(agent, { mcpServers: [rig.server()] });
    expect(await rig.resultOf(await rig.callTool(saved, "notes_find", { query: "milk" }))).toMatchObject({
      output: { text: "new milk" },
    });
  });

  it("is answered in words where the value of a tool is nested too deep to be kept", async () => {
    const deep = JSON.parse("[".repeat(1_000) + "]".repeat(1_000)) as unknown;
    rig.remote.offer((server) => {
      const annotations = { readOnlyHint: true };
      server.registerTool("find", { annotations }, () => ({
        content: [{ type: "text", text: "in words" }],
        structuredContent: { deep },
      }));
    });
    const agent = await rig.createAgent();
    expect(await rig.resultOf(await rig.callTool(agent, "notes_find", {}))).toMatchObject({
      status: "done",
      output: { text: "in words" },
    });
  });

  it("goes on in words when the server is away: what reads was tried again, what acts was not", async () => {
    const agent = await rig.createAgent({ limits: { replans: 0 } });
    rig.remote.intercept((method) => (method === "tools/call" ? new Response(null, { status: 503 }) : undefined));
    const reading = await rig.callTool(agent, "notes_find", { text: "milk" });
    await runClient(rig.caller()).events(reading);
    expect(await rig.resultOf(reading)).toMatchObject({ status: "failed" });
    // Its failures are counted for this user alone, under a key that goes with them.
    const breaker = toolBreakerKey(`mcp:${agent.id}:notes`, rig.caller().userId);
    expect(breaker).toContain(`{${rig.caller().userId}}`);
    expect(await redisCommand(rig.app.stack, ["HGET", breaker, "failures"])).toBe("3");
    expect(rig.remote.asked.filter((method) => method === "tools/call")).toHaveLength(3);
    rig.remote.asked.length = 0;
    const acting = await rig.callTool(agent, "notes_add_note", { text: "milk" });
    await rig.approve(acting);
    await rig.app.settled();
    expect(await rig.resultOf(acting)).toMatchObject({
      status: "failed",
      errorText: expect.stringMatching(/HTTP 503.*is not known/) as unknown,
    });
    expect(rig.remote.asked.filter((method) => method === "tools/call")).toHaveLength(1);
  });
});
