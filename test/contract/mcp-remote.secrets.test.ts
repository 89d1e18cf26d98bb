/** The headers that an agent's MCP servers get are secrets. */
import { inspect } from "node:util";
import { afterAll, beforeAll, beforeEach, describe, expect, it } from "vitest";
import { RemoteFailure, withRemote } from "../../src/mcp/remote-client.ts";
import { startNotesRig, type NotesRig } from "../support/notes-rig.ts";
import { rawJournal, redisCommand, runClient } from "../support/run-client.ts";
import { inClear } from "../support/test-app.ts";

const secret = "Bearer s3cr3t-of-the-user";

let rig: NotesRig;
beforeAll(async () => {
  rig = await startNotesRig();
});
beforeEach(() => rig.reset());
afterAll(() => rig.close());

describe("the headers of a server", () => {
  const withSecret = () => [rig.server({ headers: { Authorization: secret } })];

  it("are sent with each request and shown nowhere: not by the agent, its run, its journal, or what the server repeats", async () => {
    const agent = await rig.createAgent({}, withSecret());
    expect(rig.remote.headers().get("authorization")).toBe(secret);
    expect(agent.mcpServers?.[0]?.headerNames).toEqual(["Authorization"]);
    const runId = await rig.callTool(agent, "notes_echo", {});
    expect(await rig.resultOf(runId)).toMatchObject({
      output: { text: expect.stringContaining("[secret]") as unknown },
    });
    const shown = [
      agent,
      await (await rig.caller().fetch(`/api/agents/${agent.id}`)).json(),
      await (await rig.caller().fetch("/api/agents")).json(),
      await (await rig.caller().fetch("/api/export")).text(),
      await runClient(rig.caller()).view(runId),
      await runClient(rig.caller()).events(runId),
      await rawJournal(rig.app.stack, { userId: rig.caller().userId, runId }),
    ];
    expect(JSON.stringify(shown)).not.toContain("s3cr3t");
    const kept = await redisCommand(rig.app.stack, ["HGET", `agents:{${rig.caller().userId}}`, agent.id]);
    expect(kept).toContain("s3cr3t");
  });

  it("stay where a change does not name them, and go where it does, or where the URL is another", async () => {
    const agent = await rig.createAgent({}, withSecret());
    await rig.patch(agent, { name: "Other" });
    await rig.patch(agent, { mcpServers: [rig.server({ tools: ["find"] })] });
    expect(rig.remote.headers().get("authorization")).toBe(secret);
    await rig.callTool(agent, "notes_find", { text: "x" });
    expect(rig.remote.headers().get("authorization")).toBe(secret);
    const elsewhere = await rig.patch(agent, { mcpServers: [rig.server({ url: `${rig.remote.url}?other` })] });
    expect(elsewhere.mcpServers?.[0]?.headerNames).toEqual([]);
    expect(rig.remote.headers().get("authorization")).toBeNull();
    expect((await rig.patch(agent, { mcpServers: null })).mcpServers).toBeUndefined();
    expect(await redisCommand(rig.app.stack, ["HGET", `agents:{${rig.caller().userId}}`, agent.id])).not.toContain(
      "s3cr3t",
    );
  });

  it("are not sent to the URL that a run began with once the server was given another", async () => {
    const agent = await rig.createAgent({ limits: { replans: 0 } }, withSecret());
    const runId = await rig.callTool(agent, "notes_add_note", { text: "milk" });
    await rig.patch(agent, {
      mcpServers: [rig.server({ url: `${rig.remote.url}?other`, headers: { Authorization: `${secret}2` } })],
    });
    rig.remote.asked.length = 0;
    await rig.approve(runId);
    await rig.app.settled();
    expect(await rig.resultOf(runId)).toMatchObject({
      status: "failed",
      errorText: expect.stringContaining("changed or taken away") as unknown,
    });
    expect(rig.remote.asked).toEqual([]);
  });

  it("are in no error, though the server answers with them", async () => {
    const egress = { fetch, resolve: undefined, allowedHosts: new Set([rig.remote.host]) };
    const connection = {
      egress,
      server: { url: rig.remote.url, headers: { "X-Key": secret } },
      signal: AbortSignal.any([]),
    };
    const answers = [
      () => new Response(secret, { status: 503 }),
      () => new Response(secret, { status: 400 }),
      () => Response.json({ jsonrpc: "2.0", id: 0, error: { code: 1, message: secret } }),
      () => Response.json({ [secret]: secret }),
    ];
    for (const answer of answers) {
      rig.remote.intercept(answer);
      const error: unknown = await withRemote(connection, (client) => client.ping()).catch((thrown: unknown) => thrown);
      expect(error).toBeInstanceOf(RemoteFailure);
      expect(inspect(error, { depth: 8 })).not.toContain("s3cr3t");
    }
  });

  it("are sealed in storage where the operator has a key", async () => {
    rig.app.rebind({ ENCRYPTION_KEYS: `k1:${btoa("k".repeat(32))}` });
    const agent = await rig.createAgent({}, withSecret());
    const kept = await redisCommand(rig.app.stack, ["HGET", `agents:{${rig.caller().userId}}`, agent.id]);
    expect(kept).toMatch(/^~1\.k1\./);
    expect(await rig.resultOf(await rig.callTool(agent, "notes_find", { text: "x" }))).toMatchObject({
      status: "done",
    });
    rig.app.rebind(inClear);
  });
});
