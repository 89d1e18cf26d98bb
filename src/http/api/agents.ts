import * as z from "zod/mini";
import { AgentChange, AgentDraft, StoredAgent } from "../../agent/run/agent.ts";
import { AgentGoal, Execution, Planning, Reflection, Workflow } from "../routes/agents.ts";
import { empty, json, room } from "./describe.ts";
import { startAnswers, startHeaders } from "./runs.ts";
import { named } from "./schemas.ts";

const Agent = named("Agent", StoredAgent);

const starting = {
  access: "session",
  headers: startHeaders,
  answers: startAnswers,
  problems: ["not_found", "run_refused", "queue_unavailable"],
} as const;

export const agentApi = room("Agents", "The caller's agents, and what they are asked to do.", {
  "POST /api/agents": {
    summary: "Set up an agent",
    detail:
      "Each of its `mcpServers` is asked what it offers. Their headers are not shown again; a server that cannot be used is refused in words.",
    access: "session",
    body: AgentDraft,
    answers: { 201: json("The agent; `Location` says where it is.", Agent) },
    problems: ["too_many"],
  },
  "GET /api/agents": {
    summary: "List agents",
    access: "session",
    answers: { 200: json("Newest first.", z.strictObject({ agents: z.array(Agent) })) },
  },
  "GET /api/agents/:agentId": {
    summary: "Read an agent",
    access: "session",
    answers: { 200: json("The agent.", Agent) },
    problems: ["not_found"],
  },
  "PATCH /api/agents/:agentId": {
    summary: "Change an agent",
    detail:
      "What is left out stays; `null` takes a field away. Runs that have begun keep the agent as it was. `mcpServers` replaces all of them and asks each anew; one that is named without `headers` keeps those that it has for the same URL. Of changes that come at once none is lost: 409 `changed_meanwhile` has changed nothing.",
    access: "session",
    body: AgentChange,
    answers: { 200: json("The agent as it is now.", Agent) },
    problems: ["not_found", "changed_meanwhile"],
  },
  "DELETE /api/agents/:agentId": {
    summary: "Delete an agent",
    access: "session",
    answers: { 204: empty("It is gone.") },
    problems: ["not_found"],
  },
  "POST /api/agents/:agentId/runs": { ...starting, summary: "Have an agent pursue a goal", body: AgentGoal },
  "POST /api/agents/workflow": {
    ...starting,
    summary: "Have an agent, or nobody's in particular, pursue a goal",
    body: Workflow,
  },
  "POST /api/agents/planning": { ...starting, summary: "Make a plan, and no more", body: Planning },
  "POST /api/agents/execute": { ...starting, summary: "Carry out a plan", body: Execution },
  "POST /api/agents/reflect": { ...starting, summary: "Look back on a plan and its results", body: Reflection },
});
