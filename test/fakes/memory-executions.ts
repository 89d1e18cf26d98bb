import type { Clock } from "../../src/core/ports.ts";
import type { Execution, ExecutionRef, Executions, QueuedCall } from "../../src/tool/execution.ts";

/** Executions in memory; held to the same cases as the real adapter by `test/contract/executions.test.ts`. Nothing is forgotten. */
export function memoryExecutions(clock: Clock): Executions {
  type Kept = Execution & { readonly attempt?: string };
  type EarlyDeath = Pick<Execution, "status" | "endedAtMs" | "messageId">;
  const earlyDeaths = new Map<string, EarlyDeath>();
  const kept = new Map<string, Kept>();
  const keyOf = ({ userId, executionId }: ExecutionRef): string => `${userId} ${executionId}`;

  function change(ref: ExecutionRef, changes: Partial<Kept>): void {
    kept.set(keyOf(ref), { ...kept.get(keyOf(ref))!, ...changes });
  }

  return {
    async open(ref, call) {
      const known = kept.get(keyOf(ref)) ?? { ...fresh(call), ...earlyDeaths.get(keyOf(ref)) };
      kept.set(keyOf(ref), known);
      return { digest: known.digest, status: known.status };
    },
    async begin(ref, call, { messageId, retried }) {
      const known: Kept = kept.get(keyOf(ref)) ?? { ...fresh(call), ...earlyDeaths.get(keyOf(ref)) };
      if (known.digest !== call.digest) return { kind: "foreign" };
      if (known.status === "completed") return { kind: "completed", output: known.output };
      const attempt = `${messageId} ${retried}`;
      const attempts = known.attempts + (known.attempt === attempt ? 0 : 1);
      kept.set(keyOf(ref), known);
      const status = known.status === "dead" && known.messageId === messageId ? "dead" : "running";
      change(ref, { status, attempt, attempts, startedAtMs: clock.now(), messageId });
      return { kind: "begun" };
    },
    async end(ref, end) {
      const known = kept.get(keyOf(ref));
      if (known === undefined || known.status === "completed") return;
      if (known.status === "dead" && end.kind !== "completed") return;
      const said = end.kind === "completed" ? { output: asStored(end.output) } : { failure: failureOf(end.failure) };
      change(ref, { status: end.kind, endedAtMs: clock.now(), ...said });
    },
    async bury(ref, death) {
      const known = kept.get(keyOf(ref));
      if (known?.status === "completed") return false;
      const changes = { status: "dead", endedAtMs: death.atMs, messageId: death.messageId } as const;
      if (known === undefined) earlyDeaths.set(keyOf(ref), changes);
      else change(ref, { ...changes, death });
      return known !== undefined;
    },
    async read(ref) {
      const known = kept.get(keyOf(ref));
      if (known === undefined) return undefined;
      const { attempt: _attempt, ...execution } = known;
      return execution;
    },
  };
}

function fresh(call: QueuedCall): Execution {
  const { tool, digest, queuedAtMs, notBeforeMs, retries } = call;
  return {
    tool,
    digest,
    queuedAtMs,
    notBeforeMs,
    retries,
    status: "queued",
    attempts: 0,
    messageId: undefined,
    startedAtMs: undefined,
    endedAtMs: undefined,
    output: undefined,
    failure: undefined,
    death: undefined,
  };
}

function failureOf({ code, errorText }: NonNullable<Execution["failure"]>): Execution["failure"] {
  return { code, errorText };
}

function asStored(output: unknown): unknown {
  return JSON.parse(JSON.stringify(output ?? null)) as unknown;
}
