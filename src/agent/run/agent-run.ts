/** A run of an agent: plan, execute, reflect; or, for an agent that needs no plan, the tool loop. */
import * as z from "zod/mini";
import { clientIdPattern } from "../../core/ids.ts";
import { defineRun } from "../../engine/run-definition.ts";
import type { RunContext } from "../../engine/run-context.ts";
import { agentLimits, defaultRunLimits, StoredAgent } from "./agent.ts";
import { approvalOn } from "./approval-word.ts";
import { agentRunOutput, type AgentRunOutput } from "./agent-output.ts";
import type { AgentServices } from "./agent-services.ts";
import { executePlan } from "./execution.ts";
import { runLoop } from "./loop.ts";
import { ofAgent } from "./of-agent.ts";
import { unlessDaySpent, type PhaseContext, type PhaseRun, type StepResult } from "./phase.ts";
import type { PlannedStep } from "./plan.ts";
import { makePlan } from "./planning.ts";
import { reflect } from "./reflection.ts";
import { closingNote, openingNote } from "./run-messages.ts";
import { createSpendingAccount, type LimitName } from "./spending-account.ts";

export const Goal = z.string().check(z.trim(), z.minLength(1), z.maxLength(agentLimits.goalCharsMax));

export const AgentRunInput = z.object({
  /** As it was when the run was started: what is changed later concerns later runs. */
  agent: StoredAgent,
  goal: Goal,
  /** Of the message that asked for it, in the conversation. */
  messageId: z.optional(z.string().check(z.regex(clientIdPattern))),
});
export type AgentRunInput = z.infer<typeof AgentRunInput>;

export const agentRun = defineRun({
  ...ofAgent,
  name: "agent-run",
  version: 1,
  input: AgentRunInput,
  run: runAgent,
  wordOn: approvalOn,
  inConversation: { opening: openingNote, closing: closingNote },
});

export type AgentContext = PhaseContext & Pick<RunContext<AgentServices>, "userId" | "runId" | "conversationId">;

/** Everything that `ctx` is used for here, Upstash Workflow can do too. */
async function runAgent(ctx: AgentContext, { agent, goal }: AgentRunInput): Promise<AgentRunOutput> {
  const run = phaseRun(ctx, { agent, goal });
  return agent.shape === "loop" ? runLoop(run) : runPlan(run);
}

export function phaseRun(ctx: AgentContext, { agent, goal }: Pick<AgentRunInput, "agent" | "goal">): PhaseRun {
  const { userId, runId, conversationId } = ctx;
  const price = ctx.services.priceOf(agent.model);
  return {
    ctx,
    agent,
    goal,
    tools: ctx.services.toolsOf(agent),
    actor: { userId, runId, conversationId, agentId: agent.id },
    account: createSpendingAccount({ limits: agent.limits, price, startedAtMs: ctx.now() }),
  };
}

async function runPlan(run: PhaseRun): Promise<AgentRunOutput> {
  const { ctx, agent, account } = run;
  const replansMax = agent.limits?.replans ?? defaultRunLimits.replans;
  const results: StepResult[] = [];
  const steps: PlannedStep[] = [];
  let limit: LimitName | undefined;
  for (let replans = 0; ; replans += 1) {
    ctx.emit("phase-started", { phase: replans === 0 ? "planning" : "replanning" });
    const plan = await unlessDaySpent(makePlan(run, results));
    if (plan === undefined) {
      limit = "day-tokens";
      break;
    }
    ctx.emit("plan-created", {
      steps: plan.steps.map(({ id, tool, dependsOn, why }) => ({ id, tool, dependsOn, why })),
    });
    ctx.emit("phase-started", { phase: "execution" });
    const end = await executePlan(run, plan, results);
    steps.push(...plan.steps);
    results.push(...end.results);
    const hasFailed = end.results.some(({ status }) => status === "failed");
    limit = end.limit ?? (hasFailed ? account.reached(ctx.now()) : undefined);
    if (!hasFailed || limit !== undefined || replans >= replansMax) break;
  }
  if (limit !== undefined) ctx.emit("limit-reached", { limit });
  ctx.emit("phase-started", { phase: "reflection" });
  const reflection = await reflect(run, { plan: { steps }, results }, limit);
  return agentRunOutput({ ...reflection, steps, results, spent: account.read() });
}
