/**
 * Looks on at queued tools, and says what must not be.
 *
 * Q1 Of an order that was answered `queued` something becomes: it completes, fails or dies, and who looks for it is told.
 * Q2 Whoever is told that their order is queued is told so of their own input, and that input alone is acted upon.
 * X1, X2, L2 as the code of executions and of the ledger promises them.
 */
import type { DeliverOutcome } from "../../src/tool/deliver-tool.ts";
import type { BeginAnswer, Execution, Executions } from "../../src/tool/execution.ts";
import type { QueueOutcome } from "../../src/tool/queue-tool.ts";
import type { ToolOrder } from "../../src/tool/tool-queue.ts";
import type { PlannedOrder } from "./tool-case.ts";
import type { LedgerWatch } from "./tool-service.ts";

export interface ToolWatch {
  /** A client was answered. */
  onOrdered(planned: PlannedOrder, parameters: string, outcome: QueueOutcome): void;
  /** The queue has taken a message. */
  onSent(order: ToolOrder): void;
  /** A delivery was answered, whether or not the queue hears it. */
  onAnswer(order: ToolOrder, outcome: DeliverOutcome): void;
  /** A tool that acts is about to. */
  onAct(executionId: string, key: string, input: string): void;
  /** A call has had its effect on what is known of executions. */
  onContact(name: string, executionId: string, args: readonly unknown[], answer: unknown): Promise<void>;
  /** The queue gave up to tell that it had given up. */
  onUnheardDeath(executionId: string): void;
  atEnd(): Promise<void>;
  statuses(): Promise<string[]>;
}

/** Whose orders they are. */
export const userId = "usr_1";

interface Promised {
  readonly planned: PlannedOrder;
  readonly parameters: string;
}

export interface ToolWatchParts {
  readonly executions: Executions;
  readonly ledger: LedgerWatch;
  readonly isCalm: boolean;
  /** Gets what must not be; each begins with the invariant that it breaks. */
  readonly violations: string[];
}

export function createToolWatch({ executions, ledger, isCalm, violations }: ToolWatchParts): ToolWatch {
  const promised = new Map<string, Promised[]>();
  const keys = new Map<string, Set<string>>();
  const inputs = new Map<string, Set<string>>();
  const acts = new Map<string, number>();
  const completed = new Map<string, string>();
  const unheard = new Set<string>();
  const known = new Set<string>();
  const attempts = new Map<string, Set<string>>();

  const read = (executionId: string): Promise<Execution | undefined> => executions.read({ userId, executionId });

  function addTo<Value>(sets: Map<string, Set<Value>>, key: string, value: Value): Set<Value> {
    const set = sets.get(key) ?? new Set<Value>();
    sets.set(key, set.add(value));
    return set;
  }

  function checkEnd(executionId: string, { planned, parameters }: Promised, execution: Execution): void {
    const { status, output, attempts: count } = execution;
    const isOver = status === "completed" || status === "failed" || status === "dead";
    if (!isOver && !unheard.has(executionId)) violations.push(`Q1: ${executionId} was promised, and is ${status}`);
    const actedUpon = inputs.get(executionId);
    if (actedUpon !== undefined && !actedUpon.has(parameters)) {
      violations.push(`Q2: ${executionId} was promised for ${parameters}, and acted for ${[...actedUpon].join()}`);
    }
    const tried = attempts.get(executionId)?.size ?? 0;
    if (tried > 0 && count === 0) violations.push(`X3: ${executionId} was tried, and counts no attempt`);
    if (!isCalm) return;
    const isEnough = planned.outages <= planned.retries;
    const expected = planned.isRefused ? "dead" : "completed";
    if (isEnough && status !== expected) {
      violations.push(`Q1: ${executionId} is ${status} in calm weather: ${JSON.stringify(output)}`);
    }
    if (count !== tried) violations.push(`X3: ${executionId} was tried ${tried} times, and counts ${count}`);
    if ((acts.get(executionId) ?? 0) > 1) violations.push(`L1: ${executionId} acts twice in calm weather`);
  }

  return {
    onOrdered(planned, parameters, outcome) {
      if (outcome.kind === "taken") {
        if (planned.requests.every(({ input }) => input === planned.requests[0]!.input)) {
          violations.push(`X2: ${planned.id} is taken by itself`);
        }
        return;
      }
      const { executionId } = outcome;
      promised.set(executionId, [...(promised.get(executionId) ?? []), { planned, parameters }]);
    },
    onSent: ({ executionId }) => void known.add(executionId),
    onAnswer({ executionId }, outcome) {
      if (outcome.kind !== "completed") return;
      if (inputs.has(executionId) && !ledger.wasSettling(executionId)) {
        violations.push(`L2: ${executionId} has answered, and its answer never went to the ledger`);
      }
      const text = JSON.stringify(outcome.output);
      const first = completed.get(executionId);
      if (first !== undefined && first !== text) {
        violations.push(`X1: ${executionId} has answered ${first}, and answers ${text}`);
      }
    },
    onAct(executionId, key, input) {
      acts.set(executionId, (acts.get(executionId) ?? 0) + 1);
      if (ledger.isSettled(key)) violations.push(`L2: ${executionId} acts, and the ledger has its answer`);
      if (addTo(keys, executionId, key).size > 1) violations.push(`X2: ${executionId} acts with two keys`);
      if (addTo(inputs, executionId, input).size > 1) violations.push(`X2: ${executionId} acts for two inputs`);
    },
    async onContact(name, executionId, args, answer) {
      if (name === "begin" && (answer as BeginAnswer).kind === "begun") {
        const { messageId, retried } = args[2] as { messageId: string; retried: number };
        addTo(attempts, executionId, `${messageId} ${retried}`);
      }
      const execution = await read(executionId);
      const text = JSON.stringify(execution?.output);
      const first = completed.get(executionId);
      if (execution?.status === "completed") completed.set(executionId, first ?? text);
      if (first === undefined) return;
      if (execution?.status !== "completed" || first !== text) {
        violations.push(`X1: ${executionId} had completed with ${first}, and is ${execution?.status} with ${text}`);
      }
    },
    onUnheardDeath: (executionId) => void unheard.add(executionId),
    async atEnd() {
      for (const [executionId, orders] of promised) {
        const execution = await read(executionId);
        if (execution === undefined) violations.push(`Q1: ${executionId} was promised, and nobody knows of it`);
        else for (const order of orders) checkEnd(executionId, order, execution);
        if (new Set(orders.map(({ parameters }) => parameters)).size > 1) {
          violations.push(`Q2: ${executionId} was promised for two inputs`);
        }
      }
    },
    async statuses() {
      return (await Promise.all([...known].map(read))).map((execution) => execution?.status ?? "unknown");
    },
  };
}
