import type { Execution } from "./execution.ts";

/** An execution as its owner sees it. Times are unix ms; what is not known yet is left out. */
export function viewExecution(executionId: string, execution: Execution) {
  const { tool, status, attempts, retries, queuedAtMs, notBeforeMs, death } = execution;
  return {
    executionId,
    tool,
    status,
    attempts,
    retries,
    queuedAt: queuedAtMs,
    ...(notBeforeMs > queuedAtMs ? { notBefore: notBeforeMs } : {}),
    ...known({ messageId: execution.messageId, startedAt: execution.startedAtMs, endedAt: execution.endedAtMs }),
    ...(status === "completed" ? { result: execution.output } : known({ error: errorOf(execution) })),
    ...(status === "dead" && death !== undefined
      ? { dead: { at: death.atMs, status: death.status, cause: death.cause, ...known({ id: death.deadLetterId }) } }
      : {}),
  };
}

function errorOf({ failure }: Execution): { code: string; message: string } | undefined {
  return failure === undefined ? undefined : { code: failure.code, message: failure.errorText };
}

function known<T extends object>(fields: T): Partial<T> {
  return Object.fromEntries(Object.entries(fields).filter(([, value]) => value !== undefined)) as Partial<T>;
}
