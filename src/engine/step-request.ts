/** What the context asks the interpreter for. */
import type { JsonValue } from "../core/json.ts";
import type { StepContext, StepOptions } from "./run-context.ts";

type StepBody = (step: StepContext) => unknown;

/** A step as the context asks for it. */
export interface StepRequest {
  readonly body: StepBody;
  readonly options: Pick<StepOptions<never>, "retries" | "backoff" | "timeout">;
  readonly isUndoable?: true;
}

export interface WaitRequest {
  /** Unix ms, computed when the wait begins; not again when it is found in the journal. */
  readonly untilMs?: number;
  readonly signal?: string;
  /** Done once, when the wait begins and before it is recorded; repeated if the segment dies in between. Its failure is sorted like that of a step without retries. */
  readonly begin?: () => Promise<void>;
  /** What the code gets when the time is over. */
  readonly atTime?: JsonValue;
}
