/** Agents over fakes: a model that says what the test wrote, and tools that count what they did. */
import { agentRun } from "../../src/agent/run/agent-run.ts";
import { agentExecution, agentPlanning, agentReflection } from "../../src/agent/run/phase-runs.ts";
import type { Agent } from "../../src/agent/run/agent.ts";
import type { AgentRunOutput } from "../../src/agent/run/agent-output.ts";
import type { Actor, AgentServices, AgentToolOutcome } from "../../src/agent/run/agent-services.ts";
import type { ModelAnswer } from "../../src/agent/tool-loop.ts";
import type { ModelRequest } from "../../src/agent/model-port.ts";
import { actOnRun, type ActOutcome } from "../../src/engine/act-on-run.ts";
import type { EngineParts } from "../../src/engine/engine-parts.ts";
import { runEvents } from "../../src/engine/follow-run.ts";
import type { RunRef } from "../../src/engine/journal.ts";
import type { AnyRunDefinition } from "../../src/engine/run-definition.ts";
import { startInline } from "../../src/engine/start-inline.ts";
import { createEngineRig, type EngineRig } from "./engine-rig.ts";

export type Said = string | Partial<ModelAnswer> | Error;

export interface FakeTool {
  readonly run?: (parameters: never, actor: Actor) => AgentToolOutcome | Promise<AgentToolOutcome>;
  readonly undo?: (output: unknown) => void;
  readonly needsApproval?: boolean;
  readonly problem?: (parameters: Record<string, unknown>) => string | undefined;
  readonly retries?: number;
}

export interface AgentRig extends EngineRig {
  readonly services: AgentServices;
  /** What the model was asked, in order. */
  readonly asked: Omit<ModelRequest, "signal">[];
  /** What the tools did, in order: `<name> <parameters>`. */
  readonly did: string[];
  readonly learned: { readonly key: string; readonly value: string }[];
  /** Runs the agent until nothing is queued. */
  run(agent?: Partial<Agent>, goal?: string, over?: Partial<EngineParts<unknown>>): Promise<RunRef>;
  startOf(definition: AnyRunDefinition<never>, input: unknown, conversationId?: string): Promise<RunRef>;
  signal(ref: RunRef, name: string, payload: unknown, id?: string): Promise<ActOutcome>;
  output(ref: RunRef): AgentRunOutput;
  /** Names of the events, in order. */
  events(ref: RunRef): string[];
  eventData(ref: RunRef, name: string): unknown[];
}

export const testAgent: Agent = { id: "agt_1", name: "Tester", createdAt: 0, updatedAt: 0 };

/** @param say what the model says, call by call; the last one for ever. */
export function createAgentRig(say: readonly Said[], tools: Readonly<Record<string, FakeTool>>): AgentRig {
  const asked: AgentRig["asked"] = [];
  const did: string[] = [];
  const learned: AgentRig["learned"] = [];
  const services: AgentServices = {
    async askModel(request) {
      asked.push(structuredClone(request));
      const said = say[Math.min(asked.length, say.length) - 1] ?? "";
      if (said instanceof Error) throw said;
      const answer: ModelAnswer = { text: "", toolCalls: [], finishReason: "stop" };
      return typeof said === "string" ? { ...answer, text: said } : { ...answer, ...said };
    },
    remember: async (_actor, fact) => void learned.push(fact),
    recall: async () => [],
    priceOf: () => ({ input: 1, output: 10 }),
    toolsOf: ({ tools: allowed = Object.keys(tools) }) => ({
      describe: () =>
        allowed.filter((name) => name in tools).map((name) => ({ name, description: name, inputSchema: {} })),
      problemOf({ name, parameters }, { isComplete }) {
        const tool = tools[name];
        if (tool === undefined) return `There is no tool "${name}".`;
        if (!allowed.includes(name)) return `The tool "${name}" is not allowed.`;
        return isComplete ? tool.problem?.(parameters as Record<string, unknown>) : undefined;
      },
      needsApproval: ({ name }) => tools[name]?.needsApproval === true,
      isReading: () => false,
      retriesOf: (name) => tools[name]?.retries ?? 0,
      async run({ name, parameters }, actor) {
        did.push(`${name} ${JSON.stringify(parameters)}`);
        const run = tools[name]?.run;
        return run === undefined ? { kind: "ok", output: { did: name } } : run(parameters as never, actor);
      },
      undoOf(name) {
        const undo = tools[name]?.undo;
        return undo === undefined ? undefined : async ({ output }) => undo(output);
      },
    }),
  };
  const rig = createEngineRig([agentRun, agentPlanning, agentExecution, agentReflection] as never);
  const parts = (over: Partial<EngineParts<unknown>> = {}): EngineParts<unknown> => rig.parts({ services, ...over });

  async function startOf(
    definition: AnyRunDefinition<never>,
    input: unknown,
    conversationId?: string,
    over?: Partial<EngineParts<unknown>>,
  ): Promise<RunRef> {
    const ref = { userId: "usr_1", runId: `run_${rig.parts().random.uuid().replaceAll("-", "")}` };
    const of = conversationId === undefined ? {} : { conversationId };
    const { segment } = await startInline(parts(over), { ref, definition: definition as never, input, ...of });
    await segment;
    return ref;
  }

  return {
    ...rig,
    parts,
    services,
    asked,
    did,
    learned,
    startOf,
    deliverOne: (over) => rig.deliverOne({ services, ...over }),
    deliverAll: (over) => rig.deliverAll({ services, ...over }),
    async run(agent = {}, goal = "reach the goal", over = {}) {
      const ref = await startOf(agentRun, { agent: { ...testAgent, ...agent }, goal }, undefined, over);
      await rig.deliverAll({ services, ...over });
      return ref;
    },
    signal: (ref, name, payload, id = name) =>
      actOnRun(parts(), ref, { kind: "signal", id, name, payload: payload as never }),
    output: (ref) => rig.state(ref).output as unknown as AgentRunOutput,
    events: (ref) => runEvents(rig.journal.entries(ref)).map(({ type }) => type),
    eventData: (ref, name) =>
      runEvents(rig.journal.entries(ref)).flatMap(({ type, data }) => (type === name ? [data["payload"] ?? data] : [])),
  };
}

/** A plan as a model writes it. */
export function planText(...steps: readonly Readonly<Record<string, unknown>>[]): string {
  return JSON.stringify({ steps: steps.map((step) => ({ parameters: {}, ...step })) });
}

export function summaryText(summary: string, remember: readonly { key: string; value: string }[] = []): string {
  return JSON.stringify({ summary, remember });
}
