/** The model and the tools of a simulated world, as the runs of an agent are given them. */
import * as z from "zod/mini";
import type { AgentServices, AgentTools } from "../../src/agent/run/agent-services.ts";
import { registryTools } from "../../src/agent/run/registry-tools.ts";
import type { ModelRequest } from "../../src/agent/model-port.ts";
import type { ModelAnswer } from "../../src/agent/tool-loop.ts";
import type { ToolParts } from "../../src/tool/call-context.ts";
import { createToolRegistry } from "../../src/tool/registry.ts";
import { fullGrant } from "../../src/tool/tool-grant.ts";
import type { ToolContext, ToolEffect, ToolResult } from "../../src/tool/tool.ts";
import { silentLog } from "../fakes/clock.ts";
import { memoryToolGuard } from "../fakes/memory-tool-guard.ts";
import { memoryToolLedger } from "../fakes/memory-tool-ledger.ts";
import type { AgentToolName, PlannedAgentRun, PlannedCall } from "./agent-case.ts";
import { pauseIn } from "./pause-in.ts";
import type { Isolate } from "./things.ts";
import { createToolService, simulatedTools, watchLedger } from "./tool-service.ts";
import type { World } from "./world.ts";

/** What an isolate is about to do for a run. */
export type Beginning = { readonly stepKey: string } | { readonly question: string };

/** With what a tool was called for one step of the engine. */
export interface ToolUse {
  readonly keys: Set<string>;
  /** What it was handed of other steps, as JSON. */
  readonly inputs: Set<string>;
}

export interface AgentWorld {
  services(isolate: Isolate): AgentServices;
  /** By the keys of the engine's steps. */
  readonly uses: ReadonlyMap<string, ToolUse>;
  /** Marks of the answers that were given to a question: each answer has one of its own. */
  readonly answers: ReadonlyMap<string, readonly string[]>;
  /** Each begins with the invariant that it breaks. */
  readonly violations: readonly string[];
}

export interface AgentWorldParts {
  readonly world: () => World<AgentServices>;
  readonly runOf: (runId: string) => PlannedAgentRun;
  readonly onBegin: (isolate: Isolate, runId: string, beginning: Beginning) => void;
}

interface ToolServices {
  act(context: ToolContext<ToolServices>, isUndo: boolean, input: ToolInput): Promise<ToolResult>;
}

const ToolInput = z.object({ id: z.string(), from: z.optional(z.unknown()) });
type ToolInput = z.infer<typeof ToolInput>;

const effects: Record<AgentToolName, ToolEffect> = { look: "read", act: "write", pay: "money" };

const registry = createToolRegistry<ToolServices>(
  simulatedTools<ToolInput, ToolServices>(
    effects,
    ToolInput,
    (context, input) => context.services.act(context, false, input),
    (name) =>
      name === "act"
        ? async (context, input) => {
            await context.services.act(context, true, input);
          }
        : undefined,
  ),
);

export function createAgentWorld({ world, runOf, onBegin }: AgentWorldParts): AgentWorld {
  const clock = { now: () => world().now() };
  const guard = memoryToolGuard(clock);
  const uses = new Map<string, ToolUse>();
  const answers = new Map<string, string[]>();
  const violations: string[] = [];
  const service = createToolService(world);
  const ledger = watchLedger(world, memoryToolLedger(clock), (violation) => violations.push(violation));
  let drawn = 0;

  async function act(isolate: Isolate, stepKey: string, isUndo: boolean, context: ToolContext, input: ToolInput) {
    const runId = context.runId!;
    const use = uses.get(stepKey) ?? { keys: new Set(), inputs: new Set() };
    uses.set(stepKey, use);
    use.keys.add(context.idempotencyKey);
    use.inputs.add(JSON.stringify(input.from ?? null));
    const call = callOf(runOf(runId), input.id);
    // An undoing is not in the ledger: it has the engine's word alone.
    if (ledger.isSettled(context.idempotencyKey)) {
      violations.push(`L2: ${stepKey} acts, and the ledger has its answer`);
    }
    return service.answer(isolate, {
      asked: stepKey,
      key: stepKey,
      label: `${call.tool} ${stepKey}`,
      planned: isUndo ? { outages: 0, isRefused: false } : call,
      onAct: () => onBegin(isolate, runId, { stepKey }),
    });
  }

  function toolParts(isolate: Isolate, stepKey: string): ToolParts<ToolServices> {
    return {
      services: { act: (context, isUndo, input) => act(isolate, stepKey, isUndo, context, input) },
      ledger: ledger.ledgerFor(isolate, stepKey),
      guard,
      clock,
      random: { uuid: () => `id-${(drawn += 1)}`, bytes: (length) => new Uint8Array(length) },
      pause: (ms, signal) => pauseIn(world(), isolate, ms, signal),
      log: silentLog,
    };
  }

  function toolsIn(isolate: Isolate): AgentTools {
    const toolsOf = (stepKey: string): AgentTools => registryTools(registry, toolParts(isolate, stepKey), fullGrant);
    return {
      ...toolsOf(""),
      async run(call, actor, step) {
        const stepKey = step.idempotencyKey;
        const result = await toolsOf(stepKey).run(call, actor, step);
        if (result.kind === "ok" && effects[call.name as AgentToolName] !== "read" && !ledger.wasSettling(stepKey)) {
          // An answer that the ledger gave was on its way there before, for this step.
          violations.push(`L2: ${stepKey} has answered, and its answer never went to the ledger`);
        }
        return result;
      },
      undoOf(name) {
        if (toolsOf("").undoOf(name) === undefined) return undefined;
        return (call, actor, step) => toolsOf(step.idempotencyKey).undoOf(name)!(call, actor, step);
      },
    };
  }

  return {
    uses,
    answers,
    violations,
    services: (isolate) => ({
      async askModel(request) {
        const question = JSON.stringify(request.messages);
        const runId = /run_\d+-\d+/.exec(question)![0];
        onBegin(isolate, runId, { question });
        return world().call(isolate, `effect of the model for ${runId}`, async () => {
          const given = answers.get(question) ?? [];
          answers.set(question, given);
          const mark = `answer-${(drawn += 1)}.`;
          given.push(mark);
          return answerTo(request, runOf(runId), mark);
        });
      },
      toolsOf: () => toolsIn(isolate),
      recall: async () => [],
      remember: async () => undefined,
      priceOf: () => ({ input: 0, output: 0 }),
    }),
  };
}

/** As the plan says it: a loop's calls are named by our side, so the model puts its own id into the input. */
function callOf({ plans }: PlannedAgentRun, id: string): PlannedCall {
  return plans.flat().find((call) => call.id === id)!;
}

function answerTo(
  { messages, answerSchema }: Pick<ModelRequest, "messages" | "answerSchema">,
  { shape, plans, junk }: PlannedAgentRun,
  mark: string,
): ModelAnswer {
  const before = messages.filter(({ role }) => role === "assistant").length;
  const answer = { text: mark, toolCalls: [], finishReason: "stop" };
  if (shape === "loop") {
    const calls = plans[before] ?? [];
    const toolCalls = calls.map(({ id, tool }) => ({ id, name: tool, argumentsJson: JSON.stringify({ id }) }));
    return { ...answer, toolCalls };
  }
  if (answerSchema?.name !== "plan") return { ...answer, text: JSON.stringify({ summary: mark, remember: [] }) };
  const known = [...JSON.stringify(messages).matchAll(/\bp(\d)-\d/g)].map(([, plan]) => Number(plan) + 1);
  if (known.length === 0 && before < junk) return { ...answer, text: `I have no plan yet. ${mark}` };
  return { ...answer, text: planText(plans[Math.max(0, ...known)] ?? [], mark) };
}

function planText(calls: readonly PlannedCall[], mark: string): string {
  const steps = calls.map(({ id, tool, dependsOn, from }) => ({
    id,
    tool,
    parameters: { id, ...(from === undefined ? {} : { from: { $from: from, path: "receipt" } }) },
    dependsOn,
    why: mark,
  }));
  return JSON.stringify({ steps });
}
