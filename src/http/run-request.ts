/** What a request asks to be started, and whether a run that has its Idempotency-Key was started by the same one. */
import { AppError } from "../core/errors.ts";
import { canonicalJson } from "../core/json.ts";
import type { AnyRunDefinition } from "../engine/run-definition.ts";
import type { RunState } from "../engine/run-state.ts";
import type { RunServices } from "../wire/runs.ts";

export interface RunRequest {
  readonly definition: AnyRunDefinition<RunServices>;
  /** The version that the request names, where it names one. */
  readonly version?: number | undefined;
  /** Has passed the schema of the definition. */
  readonly input: unknown;
  readonly conversationId?: string | undefined;
  readonly executor?: "workflow" | undefined;
}

/**
 * The state of a run that was there before, where this request or one that says the same has started it. What the app adds to a request, such as an agent as it is now,
 * says nothing.
 *
 * @throws run_refused (refuse) when the key belongs to another request.
 */
export function sameRequest(state: RunState, request: RunRequest): RunState {
  const { started } = state;
  const { definition, version = started?.version } = request;
  if (started?.definition === definition.name && started.version === version) {
    if (saidOf(definition, started) === saidOf(definition, request)) return state;
  }
  throw new AppError("run_refused", "This Idempotency-Key was used for another request.");
}

function saidOf(
  { saidIn = (input) => input }: RunRequest["definition"],
  { input, conversationId, executor }: { readonly input?: unknown } & Pick<RunRequest, "conversationId" | "executor">,
): string {
  return canonicalJson([saidIn(input), conversationId, executor]);
}
