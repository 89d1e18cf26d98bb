/** An app whose agents may reach one MCP server of this process, that keeps notes. */
import { expect } from "vitest";
import * as z from "zod";
import type { McpServer } from "@modelcontextprotocol/sdk/server/mcp.js";
import type { Agent } from "../../src/agent/run/agent.ts";
import type { AgentRunOutput } from "../../src/agent/run/agent-output.ts";
import { planText, summaryText } from "./agent-rig.ts";
import { startRemoteMcp, type RemoteMcp } from "./remote-mcp.ts";
import { runClient } from "./run-client.ts";
import { inClear, startTestApp, type TestApp, type TestCaller } from "./test-app.ts";

export interface NotesRig {
  readonly remote: RemoteMcp;
  readonly app: TestApp;
  /** What was added, and under which key. */
  readonly added: { text: string; key: unknown }[];
  readonly caller: () => TestCaller;
  /** Another caller, and the server as it was at first. */
  reset(): Promise<void>;
  server(over?: object): object;
  createAgent(over?: object, servers?: readonly object[]): Promise<Agent>;
  patch(agent: Agent, change: object): Promise<Agent>;
  /** Starts a run whose plan is this one call, and leaves it where it waits or ends. */
  callTool(agent: Agent, tool: string, parameters: object): Promise<string>;
  /** Of the one step of a run that has come to its end. */
  resultOf(runId: string): Promise<AgentRunOutput["results"][number]>;
  approve(runId: string): Promise<number>;
  close(): Promise<void>;
}

export async function startNotesRig(): Promise<NotesRig> {
  const added: NotesRig["added"] = [];
  const notes = notesServer(added);
  const remote = await startRemoteMcp(notes);
  const app = await startTestApp({ bindings: { ...inClear, EGRESS_ALLOWED_HOSTS: remote.host } });
  let caller = await app.signIn();
  const server = (over: object = {}): object => ({ name: "notes", url: remote.url, ...over });
  return {
    remote,
    app,
    added,
    caller: () => caller,
    async reset() {
      remote.offer(notes);
      remote.intercept(undefined);
      added.length = 0;
      remote.asked.length = 0;
      caller = await app.signIn();
    },
    server,
    async createAgent(over = {}, servers = [server()]) {
      const response = await caller.post("/api/agents", { name: "Keeper", tools: [], mcpServers: servers, ...over });
      const agent = (await response.json()) as Agent;
      expect(response.status, JSON.stringify(agent)).toBe(201);
      return agent;
    },
    async patch(agent, change) {
      const response = await caller.fetch(`/api/agents/${agent.id}`, {
        method: "PATCH",
        headers: { "content-type": "application/json" },
        body: JSON.stringify(change),
      });
      expect(response.status).toBe(200);
      return (await response.json()) as Agent;
    },
    async callTool(agent, tool, parameters) {
      app.stack.model.script({ kind: "reply", text: planText({ id: "a", tool, parameters }), times: 1 });
      app.stack.model.script({ kind: "reply", text: summaryText("Done."), times: 1 });
      const response = await caller.post(`/api/agents/${agent.id}/runs`, { goal: "keep notes" });
      const { runId } = (await response.json()) as { runId: string };
      await app.settled();
      return runId;
    },
    async resultOf(runId) {
      const { output, status } = await runClient(caller).view(runId);
      expect(status).toBe("completed");
      return (output as unknown as AgentRunOutput).results[0]!;
    },
    approve: (runId) =>
      runClient(caller).act(runId, "signal", { name: "approval:a", id: "approval:a", payload: { approved: true } }),
    async close() {
      await app.close();
      await remote.close();
    },
  };
}

function notesServer(added: NotesRig["added"]) {
  const inputSchema = { text: z.string().max(100) };
  const annotations = { readOnlyHint: true };
  const said = (text: string) => ({ content: [{ type: "text" as const, text }] });
  return (server: McpServer): void => {
    const find = { description: "Finds notes.", inputSchema, annotations };
    server.registerTool("find", find, ({ text }) => said(`found ${text}`));
    server.registerTool("Add-Note", { description: "Adds a note.", inputSchema }, ({ text }, { _meta }) => {
      added.push({ text, key: _meta?.["skipstone/idempotency-key"] });
      return said("added");
    });
    server.registerTool("echo", { annotations }, ({ requestInfo }) => said(JSON.stringify(requestInfo?.headers)));
  };
}
