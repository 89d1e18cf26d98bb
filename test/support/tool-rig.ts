/** Tool calls over fakes: ledger, guard and clock in memory, moved by hand. */
import * as z from "zod/mini";
import type { BuiltInServices } from "../../src/tool/built-in.ts";
import type { CallContext } from "../../src/tool/call-context.ts";
import { createToolRegistry, type ToolRegistry } from "../../src/tool/registry.ts";
import { runTool } from "../../src/tool/run-tool.ts";
import { fullGrant } from "../../src/tool/tool-grant.ts";
import { defineTool, ok, type AnyTool, type Tool, type ToolContext, type ToolResult } from "../../src/tool/tool.ts";
import { countingRandom, manualClock, silentLog } from "../fakes/clock.ts";
import { memoryFactStore } from "../fakes/memory-fact-store.ts";
import { memoryToolGuard } from "../fakes/memory-tool-guard.ts";
import { memoryToolLedger } from "../fakes/memory-tool-ledger.ts";

export interface ToolRig<Services> {
  readonly clock: ReturnType<typeof manualClock>;
  readonly guard: ReturnType<typeof memoryToolGuard>;
  /** A context as each call gets one; a call key of its own unless it is given. */
  context(over?: Partial<CallContext<Services>>): CallContext<Services>;
  call(name: string, input: unknown, over?: Partial<CallContext<Services>>): Promise<ToolResult>;
  /** Resolves once somebody has begun to wait for so long, as often as given: then a test may move the clock. */
  paused(ms: number, times?: number): Promise<void>;
}

export function createToolRig<Services>(
  tools: readonly AnyTool<Services>[],
  services: Services,
  startMs?: number,
): ToolRig<Services> {
  const clock = manualClock(startMs);
  const registry: ToolRegistry<Services> = createToolRegistry(tools);
  const guard = memoryToolGuard(clock);
  const ledger = memoryToolLedger(clock);
  const random = countingRandom();
  const pauses: number[] = [];
  let wake = Promise.withResolvers<void>();
  function pause(ms: number, signal: AbortSignal): Promise<void> {
    pauses.push(ms);
    wake.resolve();
    wake = Promise.withResolvers();
    return clock.pause(ms, signal);
  }
  const context = (over: Partial<CallContext<Services>> = {}): CallContext<Services> => ({
    userId: "usr_1",
    agentId: "chat",
    callKey: random.uuid(),
    grant: fullGrant,
    isApproved: false,
    services,
    ledger,
    guard,
    clock,
    random,
    pause,
    log: silentLog,
    signal: new AbortController().signal,
    ...over,
  });
  return {
    clock,
    guard,
    context,
    async paused(ms, times = 1) {
      while (pauses.filter((paused) => paused === ms).length < times) await wake.promise;
    },
    call: (name, input, over) => runTool(registry, { name, argumentsJson: JSON.stringify(input) }, context(over)),
  };
}

/** What the built-in tools need; nothing answers on the web. */
export const builtInServices = (): BuiltInServices => ({
  facts: memoryFactStore(),
  egress: { fetch: () => Promise.reject(new Error("no network")), resolve: undefined, allowedHosts: new Set() },
  reminders: { schedule: () => Promise.reject(new Error("no reminders here")) },
});

/** A tool named `probe` that does what a test says; its answer is its output. */
export function probe(
  execute: (context: ToolContext, input: unknown) => unknown,
  contract: Partial<Omit<Tool<{ count?: number | undefined }>, "execute">> = {},
): AnyTool<unknown> {
  return defineTool({
    name: "probe",
    description: "A tool for tests.",
    input: z.object({ count: z.optional(z.number()) }),
    effect: "read",
    timeoutMs: 10_000,
    ...contract,
    execute: async (context: ToolContext, input) => ok(await execute(context, input)),
  });
}
