/** An engine over fakes: journal, queue and clock in memory, moved by hand. What every test of runs needs. */
import { createMeter, type Meter } from "../../src/core/meter.ts";
import { budgetProfiles, type BudgetProfile } from "../../src/engine/budget.ts";
import type { CallPort, EngineParts } from "../../src/engine/engine-parts.ts";
import { foldRun } from "../../src/engine/fold-run.ts";
import type { RunRef } from "../../src/engine/journal.ts";
import { openSegment, type TriggerOutcome } from "../../src/engine/open-segment.ts";
import type { Queue, Trigger } from "../../src/engine/queue.ts";
import { createRunRegistry, type AnyRunDefinition } from "../../src/engine/run-definition.ts";
import type { RunState } from "../../src/engine/run-state.ts";
import { startInline } from "../../src/engine/start-inline.ts";
import { manualClock, silentLog } from "../fakes/clock.ts";
import { memoryJournal, type MemoryJournal } from "../fakes/memory-journal.ts";

export interface QueuedTrigger {
  readonly trigger: Trigger;
  readonly messageId: string;
  readonly notBeforeMs: number;
  retried: number;
}

export interface EngineRig {
  readonly clock: ReturnType<typeof manualClock>;
  readonly journal: MemoryJournal;
  readonly queued: QueuedTrigger[];
  readonly calls: Parameters<CallPort["send"]>[0][];
  /** Fresh parts, as each invocation gets them. */
  parts(over?: Partial<EngineParts<any>>): EngineParts<any>;
  /** Starts a run and waits for the end of its first segment. */
  start(definition: AnyRunDefinition<any>, input?: unknown, over?: Partial<EngineParts<any>>): Promise<RunRef>;
  /** Delivers the first message whose time has come; `undefined` when there is none. */
  deliverOne(over?: Partial<EngineParts<any>>): Promise<TriggerOutcome | undefined>;
  /** Delivers, moving the clock where all wait for their time, until nothing is queued. */
  deliverAll(over?: Partial<EngineParts<any>>): Promise<void>;
  state(ref: RunRef): RunState;
}

const deliveriesMax = 20_000;

export function createEngineRig(
  definitions: readonly AnyRunDefinition<any>[],
  profile: BudgetProfile = budgetProfiles.paid,
): EngineRig {
  const clock = manualClock();
  const journal = memoryJournal();
  const registry = createRunRegistry(definitions);
  const queued: QueuedTrigger[] = [];
  const calls: Parameters<CallPort["send"]>[0][] = [];
  let count = 0;
  const random = {
    uuid: () => `00000000-0000-4000-8000-${String((count += 1)).padStart(12, "0")}`,
    bytes: (length: number) => Uint8Array.from({ length }, (_byte, index) => (index === 0 ? (count += 1) : count >> 8)),
  };

  function enqueue(trigger: Trigger, notBeforeMs: number): void {
    queued.push({ trigger, notBeforeMs, messageId: `msg_${(count += 1)}`, retried: 0 });
  }
  function queueOf(meter: Meter): Queue {
    const spend = (): void => {
      meter.messages += 1;
      meter.subrequests += 1;
    };
    return {
      isBilled: true,
      triggerNextStep: async (trigger) => (spend(), enqueue(trigger, clock.now())),
      async triggerNextSteps(triggers) {
        meter.subrequests += 1;
        meter.messages += triggers.length;
        for (const trigger of triggers) enqueue(trigger, clock.now());
        return triggers.map(() => undefined);
      },
      scheduleStep: async (trigger, delayMs) => (spend(), enqueue(trigger, clock.now() + delayMs)),
      scheduleStepAt: async (trigger, atMs) => (spend(), enqueue(trigger, atMs)),
    };
  }

  function parts(over: Partial<EngineParts<any>> = {}): EngineParts<any> {
    const meter = createMeter();
    return {
      journal,
      dueRuns: journal,
      budgets: journal,
      queue: queueOf(meter),
      calls: { send: async (call) => void calls.push(call) },
      registry,
      services: {},
      profile,
      meter,
      clock,
      random,
      pause: clock.pause,
      log: silentLog,
      ...over,
    };
  }

  async function deliverOne(over?: Partial<EngineParts<any>>): Promise<TriggerOutcome | undefined> {
    const next = queued.find(({ notBeforeMs }) => notBeforeMs <= clock.now());
    if (next === undefined) return undefined;
    queued.splice(queued.indexOf(next), 1);
    return openSegment(parts(over), next.trigger, { messageId: next.messageId, retried: next.retried });
  }

  return {
    clock,
    journal,
    queued,
    calls,
    parts,
    async start(definition, input = {}, over = {}) {
      const ref = { userId: "usr_1", runId: `run_${(count += 1)}` };
      const { segment } = await startInline(parts(over), { ref, definition, input });
      await segment;
      return ref;
    },
    deliverOne,
    async deliverAll(over) {
      for (let delivery = 0; queued.length > 0; delivery += 1) {
        if (delivery > deliveriesMax) throw new Error("the runs never end");
        if ((await deliverOne(over)) !== undefined) continue;
        await clock.advance(Math.min(...queued.map(({ notBeforeMs }) => notBeforeMs)) - clock.now());
      }
    },
    state: (ref) => foldRun(journal.entries(ref)).state,
  };
}
