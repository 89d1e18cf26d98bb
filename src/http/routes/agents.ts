/** The caller's agents, and what they are asked to do. */
import { Hono, type Context } from "hono";
import * as z from "zod/mini";
import { AgentChange, AgentDraft, agentLimits, anyAgent, changeAgent, type Agent } from "../../agent/run/agent.ts";
import { agentRun, Goal } from "../../agent/run/agent-run.ts";
import {
  agentExecution,
  agentPlanning,
  agentReflection,
  ExecutionInput,
  ReflectionInput,
} from "../../agent/run/phase-runs.ts";
import { AppError } from "../../core/errors.ts";
import { clientIdPattern, isAgentId, newAgentId } from "../../core/ids.ts";
import { limits } from "../../core/limits.ts";
import type { McpHeaders, McpServerDraft } from "../../tool/remote-server.ts";
import { settleServers, type SettledServers } from "../agent-servers.ts";
import type { AppEnv } from "../app-env.ts";
import { identityOf, requireIdentity } from "../middleware/identity.ts";
import { readJson } from "../read-json.ts";
import { startRun } from "../start-run.ts";

const ofAgent = { agentId: z.optional(z.string()), goal: Goal };
export const Planning = z.strictObject(ofAgent);
export const Execution = z.strictObject({ ...ofAgent, plan: ExecutionInput.shape.plan });
export const Reflection = z.strictObject({
  ...ofAgent,
  plan: ReflectionInput.shape.plan,
  results: ReflectionInput.shape.results,
});
const ofRun = {
  goal: Goal,
  conversationId: z.optional(z.string().check(z.regex(clientIdPattern))),
  /** Who carries the run; our own segments without it. */
  executor: z.optional(z.enum(["segments", "workflow"])),
};
export const AgentGoal = z.strictObject(ofRun);
export const Workflow = z.strictObject({ ...ofRun, agentId: z.optional(z.string()) });

/** Mounted at `/api/agents`. */
export function agentRoutes() {
  return new Hono<AppEnv>()
    .post("/", requireIdentity("agent-creation"), createAgent)
    .use("*", requireIdentity())
    .get("/", async (c) => c.json({ agents: await (await c.get("wire").runs()).agents.list(identityOf(c).userId) }))
    .post("/planning", async (c) => {
      const { agentId, goal } = await readJson(c, Planning);
      return startRun(c, { definition: agentPlanning, input: { agent: await agentOf(c, agentId), goal } });
    })
    .post("/execute", async (c) => {
      const { agentId, ...rest } = await readJson(c, Execution, { bytesMax: limits.runInputBytesMax });
      return startRun(c, { definition: agentExecution, input: { agent: await agentOf(c, agentId), ...rest } });
    })
    .post("/reflect", async (c) => {
      const { agentId, ...rest } = await readJson(c, Reflection, { bytesMax: limits.runInputBytesMax });
      return startRun(c, { definition: agentReflection, input: { agent: await agentOf(c, agentId), ...rest } });
    })
    .post("/workflow", async (c) => {
      const { agentId, ...rest } = await readJson(c, Workflow);
      return runAgent(c, await agentOf(c, agentId), rest);
    })
    .get("/:agentId", async (c) => c.json(await storedAgent(c, c.req.param("agentId"))))
    .patch("/:agentId", patchAgent)
    .delete("/:agentId", async (c) => {
      const { memory } = c.get("wire");
      const { agents } = await c.get("wire").runs();
      const owner = { userId: identityOf(c).userId, agentId: c.req.param("agentId") };
      if (!isAgentId(owner.agentId)) throw notFound();
      // What it knows goes first: if we die in between, the agent is there to be deleted again.
      await (await memory()).knowledge.store.forget(owner);
      if (!(await agents.remove(owner.userId, owner.agentId))) throw notFound();
      return c.body(null, 204);
    })
    .post("/:agentId/runs", async (c) =>
      runAgent(c, await recentAgent(c, c.req.param("agentId")), await readJson(c, AgentGoal)),
    );
}

async function createAgent(c: Context<AppEnv>): Promise<Response> {
  const { mcpServers: servers, ...draft } = await readJson(c, AgentDraft);
  await checkTools(c, draft.tools);
  const { agents, engine } = await c.get("wire").runs();
  const { mcpServers, mcpHeaders } = await settled(c, servers ?? []);
  const now = engine.clock.now();
  const ofServers = servers === undefined ? {} : { mcpServers };
  const agent: Agent = { ...draft, ...ofServers, id: newAgentId(engine.random), createdAt: now, updatedAt: now };
  if ((await agents.add(identityOf(c).userId, agent, mcpHeaders)) === "full") {
    throw new AppError("too_many", "You have as many agents as one user may have; delete one first.");
  }
  c.header("Location", `/api/agents/${agent.id}`);
  return c.json(agent, 201);
}

/** Changes that come at once are made one after the other. One that names servers is tried once: each try asks them all, and subrequests are few. */
async function patchAgent(c: Context<AppEnv>): Promise<Response> {
  const change = await readJson(c, AgentChange);
  await checkTools(c, change.tools ?? undefined);
  const triesMax = change.mcpServers === undefined ? agentLimits.changeTriesMax : 1;
  for (let tries = 0; tries < triesMax; tries += 1) {
    const agent = await changedAgent(c, change);
    if (agent !== undefined) return c.json(agent);
  }
  throw new AppError("changed_meanwhile", "This agent was changed by another request at the same time; try again.");
}

/** `undefined` where another change came first. @throws not_found, bad_request (both refuse) */
async function changedAgent(
  c: Context<AppEnv>,
  { mcpServers: servers, ...change }: AgentChange,
): Promise<Agent | undefined> {
  const { agents, engine } = await c.get("wire").runs();
  const { userId } = identityOf(c);
  const before = await storedAgent(c, c.req.param("agentId") ?? "");
  const headersBefore = before.mcpServers === undefined ? {} : await agents.mcpHeaders(userId, before.id);
  const { mcpServers, mcpHeaders } = await settled(c, servers ?? [], headersBefore);
  const ofServers = servers === undefined ? {} : { mcpServers: servers && mcpServers };
  const agent = changeAgent(before, { ...change, ...ofServers }, engine.clock.now());
  const kept = servers === undefined ? headersBefore : mcpHeaders;
  const replaced = await agents.replace(userId, { agent, before, ...(kept && { mcpHeaders: kept }) });
  if (replaced === "missing") throw notFound();
  return replaced === "replaced" ? agent : undefined;
}

/** @throws bad_request (refuse) in words for a server that cannot be used. */
async function settled(
  c: Context<AppEnv>,
  servers: readonly McpServerDraft[],
  before?: McpHeaders,
): Promise<SettledServers> {
  const { tools } = await c.get("wire").answering();
  const { listRemoteTools } = await c.get("wire").runs();
  const isTaken = (name: string): boolean => tools.get(name) !== undefined;
  return settleServers({ listRemoteTools, isTaken, signal: c.req.raw.signal }, servers, before);
}

async function runAgent(
  c: Context<AppEnv>,
  agent: Agent,
  { goal, conversationId, executor }: z.infer<typeof AgentGoal>,
): Promise<Response> {
  const carriedBy = executor === "workflow" ? { executor } : {};
  return startRun(c, { definition: agentRun, input: { agent, goal }, conversationId, ...carriedBy });
}

async function agentOf(c: Context<AppEnv>, agentId: string | undefined): Promise<Agent> {
  return agentId === undefined ? anyAgent : recentAgent(c, agentId);
}

/** @throws not_found (refuse) also for what cannot be an agent's id. */
async function storedAgent(c: Context<AppEnv>, agentId: string): Promise<Agent> {
  const agent = isAgentId(agentId)
    ? await (await c.get("wire").runs()).agents.get(identityOf(c).userId, agentId)
    : undefined;
  if (agent === undefined) throw notFound();
  return agent;
}

/** As a run takes it. @throws not_found (refuse) */
async function recentAgent(c: Context<AppEnv>, agentId: string): Promise<Agent> {
  const agent = await (await c.get("wire").runs()).agents.recent(identityOf(c).userId, agentId);
  if (agent === undefined) throw notFound();
  return agent;
}

async function checkTools(c: Context<AppEnv>, names: readonly string[] | undefined): Promise<void> {
  const { tools } = await c.get("wire").answering();
  const unknown = names?.find((name) => tools.get(name) === undefined);
  if (unknown !== undefined) throw new AppError("bad_request", `There is no tool "${unknown.slice(0, 64)}".`);
}

function notFound(): AppError {
  return new AppError("not_found", "There is no such agent.");
}
