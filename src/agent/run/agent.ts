/** Agent instances: what a user has set up, and what a run of it may do. */
import * as z from "zod/mini";
import { clientIdPattern } from "../../core/ids.ts";
import { McpServer, McpServerDrafts, type McpHeaders } from "../../tool/remote-server.ts";
import { isToolScope, type ToolGrant } from "../../tool/tool-grant.ts";

export const agentLimits = {
  agentsPerUserMax: 50,
  nameCharsMax: 80,
  instructionsCharsMax: 8_000,
  toolsMax: 64,
  scopesMax: 64,
  goalCharsMax: 4_000,
  /** Of a change, where others change the agent at the same time. */
  changeTriesMax: 5,
} as const;

/** Hard limits of one run, checked before each step; at the limit the run answers with what it has. */
export const RunLimits = z.strictObject({
  /** Steps that tools do. */
  steps: z.optional(z.int().check(z.gte(1), z.lte(200))),
  /** Of all model calls together, in and out. */
  tokens: z.optional(z.int().check(z.gte(100), z.lte(10_000_000))),
  /** By the prices of the configuration. */
  moneyUsd: z.optional(z.number().check(z.gt(0), z.lte(1_000))),
  /** From the start, waiting included. */
  minutes: z.optional(z.number().check(z.gt(0), z.lte(60 * 24 * 30))),
  /** Plans after the first. */
  replans: z.optional(z.int().check(z.gte(0), z.lte(5))),
});
export type RunLimits = z.infer<typeof RunLimits>;

export const defaultRunLimits: { readonly [Name in keyof RunLimits]-?: NonNullable<RunLimits[Name]> } = {
  steps: 30,
  tokens: 200_000,
  moneyUsd: 5,
  minutes: 60 * 24 * 7,
  replans: 2,
};

const fields = {
  name: z.string().check(z.trim(), z.minLength(1), z.maxLength(agentLimits.nameCharsMax)),
  instructions: z.string().check(z.maxLength(agentLimits.instructionsCharsMax)),
  /** Names of the tools that it may use; all of them without it. */
  tools: z.array(z.string().check(z.maxLength(64))).check(z.maxLength(agentLimits.toolsMax)),
  /** What its tools may do, such as `web:read`; everything without it. */
  scopes: z.array(z.string().check(z.refine(isToolScope))).check(z.maxLength(agentLimits.scopesMax)),
  /** Of the configured provider; the configured one without it. */
  model: z.string().check(z.minLength(1), z.maxLength(128)),
  /** `plan`: plan, execute, reflect. `loop`: model, tools, model, … until the model has nothing more to do. */
  shape: z.enum(["plan", "loop"]),
  limits: RunLimits,
  /** Servers of others whose tools it may use. */
  mcpServers: McpServerDrafts,
};

export const AgentDraft = z.strictObject({
  name: fields.name,
  instructions: z.optional(fields.instructions),
  tools: z.optional(fields.tools),
  scopes: z.optional(fields.scopes),
  model: z.optional(fields.model),
  shape: z.optional(fields.shape),
  limits: z.optional(fields.limits),
  mcpServers: z.optional(fields.mcpServers),
});
export type AgentDraft = z.infer<typeof AgentDraft>;

/** What is left out stays; `null` takes a field away. */
export const AgentChange = z.strictObject({
  name: z.optional(fields.name),
  instructions: z.optional(z.nullable(fields.instructions)),
  tools: z.optional(z.nullable(fields.tools)),
  scopes: z.optional(z.nullable(fields.scopes)),
  model: z.optional(z.nullable(fields.model)),
  shape: z.optional(z.nullable(fields.shape)),
  limits: z.optional(z.nullable(fields.limits)),
  mcpServers: z.optional(z.nullable(fields.mcpServers)),
});
export type AgentChange = z.infer<typeof AgentChange>;

/** A change whose servers have been asked what they offer. */
export type ListedChange = Omit<AgentChange, "mcpServers"> & { readonly mcpServers?: readonly McpServer[] | null };

/** `updatedAt` always grows: it is by that that a store tells two changes apart. */
export function changeAgent(agent: Agent, change: ListedChange, nowMs: number): Agent {
  const all = Object.entries({ ...agent, ...change, updatedAt: Math.max(nowMs, agent.updatedAt + 1) });
  return Object.fromEntries(all.filter(([, value]) => value !== null)) as unknown as Agent;
}

export interface Agent extends Omit<AgentDraft, "mcpServers"> {
  readonly id: string;
  /** As they were when they were last asked what they offer, without the values of their headers. */
  readonly mcpServers?: McpServer[] | undefined;
  /** Unix ms. */
  readonly createdAt: number;
  readonly updatedAt: number;
}

/** Nobody's in particular: it may use all tools. */
export const anyAgent: Agent = { id: "default", name: "Agent", createdAt: 0, updatedAt: 0 };

export const StoredAgent = z.extend(AgentDraft, {
  /** Becomes part of keys. */
  id: z.string().check(z.regex(clientIdPattern)),
  createdAt: z.number(),
  updatedAt: z.number(),
  mcpServers: z.optional(z.array(McpServer)),
});

/** What the runs of an agent may do, whatever a model or a tool's answer says. `tools` names ours; of a server's, those that the agent has of it. */
export function grantOf({ tools, scopes, mcpServers = [] }: Pick<Agent, "tools" | "scopes" | "mcpServers">): ToolGrant {
  const remote = mcpServers.flatMap(({ remoteTools }) => remoteTools.map(({ name }) => name));
  return { tools: tools === undefined ? "all" : [...tools, ...remote], scopes: scopes ?? ["*"] };
}

export interface Replacement {
  readonly agent: Agent;
  /** Those that are not given are gone. */
  readonly mcpHeaders?: McpHeaders;
  /** The agent as it was read, of which this one is made. */
  readonly before: Pick<Agent, "updatedAt">;
}

export type Replaced = "replaced" | "changed-meanwhile" | "missing";

/** Agents of a user. Each method is one atomic change or read, in one round trip. */
export interface AgentStore {
  /** `full` when the user has `agentLimits.agentsPerUserMax` already; nothing changes then. 3 billed commands. */
  add(userId: string, agent: Agent, mcpHeaders?: McpHeaders): Promise<"added" | "full">;
  /** 1 billed command. */
  get(userId: string, agentId: string): Promise<Agent | undefined>;
  /** What neither `get` nor `list` shows; `undefined` when there is no such agent. 1 billed command. */
  mcpHeaders(userId: string, agentId: string): Promise<McpHeaders | undefined>;
  /** Newest first. 1 billed command. */
  list(userId: string): Promise<Agent[]>;
  /** Changes nothing when the agent is not the one before any more, or is not there. At most 3 billed commands. */
  replace(userId: string, replacement: Replacement): Promise<Replaced>;
  /** False when there was none. 1 billed command. */
  remove(userId: string, agentId: string): Promise<boolean>;
}
