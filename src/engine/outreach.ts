/** How a run reaches beyond its journal: calls, children, and a child's word to its parent. */
import type { JsonValue } from "../core/json.ts";
import { derivedRunId } from "../core/ids.ts";
import { limits } from "../core/limits.ts";
import { invariant } from "../core/ports.ts";
import type { EngineParts, EnginePorts } from "./engine-parts.ts";
import { NonRetryableError } from "./failures.ts";
import { foldRun } from "./fold-run.ts";
import type { Failure, ParentStep } from "./journal-entry.ts";
import { formatEntry, outside } from "./journal-entry.ts";
import type { RunRef } from "./journal.ts";
import type { CallRequest } from "./run-context.ts";
import type { AnyRunDefinition } from "./run-definition.ts";
import { isOver, startedKey, type RunState } from "./run-state.ts";
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
      invariant(
        engine.registry.get(definition.name, definition.version) !== undefined,
        `"${definition.name}" of version ${definition.version} is not in the registry`,
      );
      await startQueued(engine, {
        ref: { userId: ref.userId, runId: await derivedRunId(`child ${ref.runId}/${step}`) },
        definition: definition as AnyRunDefinition<Services>,
        input,
        parent: { runId: ref.runId, step },
        depth,
        ...(state.started?.isDry === true ? { isDry: true } : {}),
      });
    },
  };
}

/** Safe to repeat: the parent takes the signal once. */
export async function tellParent(
  engine: EnginePorts,
  { ref, parent, end }: { readonly ref: RunRef; readonly parent: ParentStep; readonly end: ChildEnd },
): Promise<void> {
  const parentRef = { userId: ref.userId, runId: parent.runId };
  const record = {
    type: "signal",
    id: `child:${ref.runId}`,
    name: childSignal(parent.step),
    payload: end as unknown as JsonValue,
  } as const;
  await engine.journal.append(parentRef, [formatEntry({ writer: outside, seq: 0, at: engine.clock.now(), record })]);
  const { state } = foldRun(await engine.journal.read(parentRef, 0));
  if (state.started === undefined || isOver(state.status)) return;
  await engine.queue.triggerNextStep({ ref: parentRef, definition: startedKey(state.started) });
}
