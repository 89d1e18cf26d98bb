import { actOnRun, type Admission } from "../engine/act-on-run.ts";
import type { EnginePorts } from "../engine/engine-parts.ts";
import { isRunId } from "../core/ids.ts";
import type { Whose } from "./dead-letter.ts";
import type { DeadMessages } from "./dead-messages.ts";

export interface DeadLetterActs {
  readonly engine: EnginePorts;
  readonly messages: DeadMessages;
}

/** `unknown` is also what somebody else has taken off the list meanwhile. */
export type DeadLetterOutcome =
  | { readonly kind: "done" }
  | { readonly kind: "unknown" }
  | { readonly kind: "refused"; readonly reason: string };

/** One letter. Operators name the owner of a run, for only with the owner's id can it be found. */
export interface DeadLetterRef {
  readonly whose: Whose;
  readonly id: string;
  /** Of a run; an owner's own without it. */
  readonly userId?: string | undefined;
}

/** A run goes on where it was parked; a message is sent again. Safe to repeat. @throws what `admit` throws. */
export async function retryDeadLetter(
  acts: DeadLetterActs,
  letter: DeadLetterRef & { readonly admit?: Admission },
): Promise<DeadLetterOutcome> {
  if (!isRunId(letter.id)) return found(await acts.messages.retry(letter.whose, letter.id));
  return actOn(acts, letter, { kind: "retry", admit: letter.admit });
}

/** A run that is parked is given up: cancelled, and what it did undone or left as it is. One that goes on is refused. A message is forgotten. Safe to repeat. */
export async function removeDeadLetter(
  acts: DeadLetterActs,
  letter: DeadLetterRef & { readonly isUndoing: boolean },
): Promise<DeadLetterOutcome> {
  if (!isRunId(letter.id)) return found(await acts.messages.remove(letter.whose, letter.id));
  const { isUndoing } = letter;
  return actOn(acts, letter, { kind: "cancel", reason: "given up as a dead letter", isUndoing, isForParked: true });
}

async function actOn(
  { engine }: DeadLetterActs,
  { whose, id, userId }: DeadLetterRef,
  act: Parameters<typeof actOnRun>[2],
): Promise<DeadLetterOutcome> {
  const owner = whose === "all" ? userId : whose.userId;
  if (owner === undefined) return { kind: "unknown" };
  const outcome = await actOnRun(engine, { userId: owner, runId: id }, act);
  return outcome.kind === "repeated" ? { kind: "done" } : outcome;
}

function found(isFound: boolean): DeadLetterOutcome {
  return { kind: isFound ? "done" : "unknown" };
}
