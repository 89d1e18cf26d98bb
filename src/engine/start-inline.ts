import { limits } from "../core/limits.ts";
import type { EngineParts } from "./engine-parts.ts";
import { createRunFold, foldRun } from "./fold-run.ts";
import { formatEntry } from "./journal-entry.ts";
import { parseLearnedBudget } from "./learned-budget.ts";
import { newSegmentId, withSegmentLog } from "./opened-segment.ts";
import { runSegment } from "./run-segment.ts";
import type { SegmentEnd } from "./segment-closing.ts";
import type { RunState } from "./run-state.ts";
import { definitionKey } from "./run-definition.ts";
import { conversationOf, startedEntry, type StartRequest } from "./start-request.ts";

export interface InlineStart {
  /** As it is now that the start is durable. */
  readonly state: RunState;
  /** The first segment, which goes on by itself; `undefined` when the run was there before. */
  readonly segment: Promise<SegmentEnd> | undefined;
}

/** Starts the run and runs its first segment in this invocation. 1 round trip until it is durable, 3 billed commands. */
export async function startInline<Services>(
  engine: EngineParts<Services>,
  request: StartRequest<Services>,
): Promise<InlineStart> {
  const { ref } = request;
  const now = engine.clock.now();
  const spentBefore = { ...engine.meter };
  const segment = newSegmentId(engine.random);
  const entries = [
    startedEntry(request, now),
    formatEntry({ writer: segment, seq: 0, at: now, record: { type: "opened", leaseMs: limits.leaseMs, after: 0 } }),
  ];
  const { length, learned } = await engine.journal.start(ref, {
    entries,
    startedAtMs: now,
    dueAtMs: now + limits.leaseMs + limits.sweepSlackMs,
    definition: definitionKey(request.definition),
    ...conversationOf(request, now),
  });
  if (length > entries.length) return { state: foldRun(await engine.journal.read(ref, 0)).state, segment: undefined };
  const fold = createRunFold();
  for (const entry of entries) fold.apply(entry);
  const opened = { ref, segment, fold, unpublished: entries, startedAtMs: now, spentBefore };
  return {
    state: fold.state,
    segment: runSegment(withSegmentLog(engine, ref, segment), { ...opened, learned: parseLearnedBudget(learned) }),
  };
}
