import type { JsonValue } from "../core/json.ts";
import { limits } from "../core/limits.ts";
import type { EnginePorts } from "./engine-parts.ts";
import { foldRun } from "./fold-run.ts";
import { formatEntry, type SegmentRecord } from "./journal-entry.ts";
import type { RunRef } from "./journal.ts";
import { newSegmentId } from "./opened-segment.ts";
import { definitionKey, type AnyRunDefinition } from "./run-definition.ts";
import type { SettledStep } from "./run-state.ts";
import { nothingSpent } from "./spending.ts";
import { startedEntry } from "./start-request.ts";
import { takeOver } from "./take-over.ts";
import { memorySnapshot } from "./working-memory.ts";

export interface ForkRequest<Services> {
  readonly source: RunRef;
  readonly ref: RunRef;
  /** The definition of the source, in the source's version. */
  readonly definition: AnyRunDefinition<Services>;
  /** Steps of the source whose outcomes the fork takes over, in the order in which they were decided; fewer where it has to ask a person anew. */
  readonly steps: number;
  /** Has passed the schema; the source's input without it. */
  readonly input?: unknown;
  /** Steps that write are run only when it is false. */
  readonly isDry: boolean;
}

export type ForkOutcome =
  | { readonly kind: "forked" }
  | { readonly kind: "unknown" }
  | { readonly kind: "refused"; readonly reason: string };

/**
 * Starts a run that has done already what another one did, and goes on from there: another input, another build, another try. What is taken over belongs to the
 * source: the fork does not undo it. 3 round trips, 4 billed commands, 1 message.
 */
export async function forkRun<Services>(engine: EnginePorts, request: ForkRequest<Services>): Promise<ForkOutcome> {
  const { state } = foldRun(await engine.journal.read(request.source, 0));
  if (state.started === undefined) return { kind: "unknown" };
  const forward = state.settled.slice(0, state.undoing?.forwardSteps);
  const over = takeOver(forward, request.steps, request.definition.wordOn);
  if (over.kind === "refused") return over;
  const now = engine.clock.now();
  const taken = over.steps;
  const started = startedEntry(
    {
      ...request,
      input: request.input ?? state.started.input,
      forkedFrom: { runId: request.source.runId, steps: taken.length },
      origin: {
        runId: state.started.origin?.runId ?? request.source.runId,
        startedAtMs: state.started.origin?.startedAtMs ?? state.startedAt,
        emitted: taken.at(-1)?.emitted ?? state.started.origin?.emitted ?? 0,
      },
    },
    now,
  );
  const segment: { readonly at: number; readonly record: SegmentRecord }[] = [
    { at: now, record: { type: "opened", leaseMs: limits.leaseMs, after: 0 } },
    ...taken.map((step) => ({ at: step.at, record: recordOf(step) })),
    { at: now, record: { type: "suspended", untilMs: now, spent: nothingSpent } },
  ];
  const writer = newSegmentId(engine.random);
  const entries = segment.map(({ at, record }, seq) => formatEntry({ writer, seq, at, record }));
  const times = { startedAtMs: now, dueAtMs: now + limits.sweepSlackMs };
  await engine.journal.start(request.ref, { entries: [started, ...entries], ...times });
  await engine.queue.triggerNextStep({ ref: request.ref, definition: definitionKey(request.definition) });
  return { kind: "forked" };
}

function recordOf({ step, outcome, beside, turn }: SettledStep): SegmentRecord {
  const among = beside > 0 ? { beside } : {};
  if (outcome.kind === "failed") return { type: "failed", step, failure: outcome.failure, ...among };
  const value: { value?: JsonValue } = outcome.value === undefined ? {} : { value: outcome.value };
  const closing =
    turn === undefined
      ? {}
      : {
          closes: `${step.slice(0, step.lastIndexOf("["))}[`,
          emitted: turn.emitted,
          memory: memorySnapshot(turn.memory),
        };
  return { type: "done", step, ...value, ...among, ...closing };
}
