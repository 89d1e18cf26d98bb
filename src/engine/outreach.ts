/** How a run reaches beyond its journal: calls and children. */
import { fieldProblemsOf } from "../core/field-problem.ts";
import type { JsonValue } from "../core/json.ts";
import { derivedRunId } from "../core/ids.ts";
import { limits } from "../core/limits.ts";
import type { EngineParts } from "./engine-parts.ts";
import { demand, demandJson, NonRetryableError } from "./failures.ts";
import type { Failure } from "./journal-entry.ts";
import type { RunRef } from "./journal.ts";
import type { CallRequest } from "./run-context.ts";
import type { AnyRunDefinition } from "./run-definition.ts";
import type { RunState } from "./run-state.ts";
import { startQueued } from "./start-queued.ts";

/** Each is called once, and again if the segment dies right after it; both are safe to repeat. */
export interface Outreach {
  /** Has the queue make the request; its answer comes back as the signal. */
  call(step: string, request: CallRequest, signal: string): Promise<void>;
  /** Starts the child; its end comes back as the signal. */
  startChild(step: string, definition: AnyRunDefinition<never>, input: unknown): Promise<void>;
}

/** What a child's end looks like as a signal. */
export type ChildEnd =
  | { readonly kind: "completed"; readonly output?: JsonValue }
  | { readonly kind: "failed"; readonly failure: Failure };

export function childSignal(step: string): string {
  return `$child ${step}`;
}

export function callSignal(step: string): string {
  return `$call ${step}`;
}

export function createOutreach<Services>(engine: EngineParts<Services>, ref: RunRef, state: RunState): Outreach {
  return {
    call: (step, request, signal) => engine.calls.send({ ref, step, signal, request }),
    async startChild(step, definition, input) {
      const depth = (state.started?.depth ?? 0) + 1;
      if (depth > limits.childDepthMax) throw new NonRetryableError(`runs nest at most ${limits.childDepthMax} deep`);
      const known = engine.registry.get(definition.name, definition.version);
      demand(known !== undefined, `"${definition.name}" of version ${definition.version} is not in the registry`);
      checkInput(known, input);
      await startQueued(engine, {
        ref: { userId: ref.userId, runId: await derivedRunId(`child ${ref.runId}/${step}`) },
        definition: known,
        input,
        parent: { runId: ref.runId, step },
        depth,
        ...(state.started?.isDry === true ? { isDry: true } : {}),
      });
    },
  };
}

/** As it will be read from the journal. @throws NonRetryableError where it does not fit the schema, for the parent may go on another way; BadDefinition for what is no input. */
function checkInput<Services>({ name, input: schema }: AnyRunDefinition<Services>, input: unknown): void {
  const parsed = schema.safeParse(demandJson(`the input of "${name}"`, input, limits.runInputBytesMax));
  if (parsed.success) return;
  const problems = fieldProblemsOf(parsed.error.issues).map(({ pointer, detail }) => `${pointer} ${detail}`.trim());
  throw new NonRetryableError(`the input does not fit the schema of "${name}": ${problems.join("; ")}`);
}
