/**
 * Replaces the entries of a journal that are of no use any more by a snapshot; see `run-snapshot.ts`. Only who has the lease does so, and before it does
 * anything else: a segment that has lost the lease still writes into the volume before, which is gone.
 */
import { limits } from "../core/limits.ts";
import { isWorthCompacting, usualCompaction } from "./compaction-rule.ts";
import type { EnginePorts } from "./engine-parts.ts";
import { createRunFold, foldRun, type RunFold } from "./fold-run.ts";
import { formatEntry, outside } from "./journal-entry.ts";
import type { RunRef } from "./journal.ts";

export interface CurrentJournal {
  readonly ref: RunRef;
  readonly fold: RunFold;
}

/** @throws redis_unavailable (retry); then it is not known which volume is the newest, and the segment cannot go on. */
export async function compactIfWorthIt(
  engine: EnginePorts,
  { ref, fold, entries }: CurrentJournal & { readonly entries: readonly string[] },
): Promise<CurrentJournal> {
  const rule = engine.compaction ?? usualCompaction;
  if (!isWorthCompacting(fold.state, rule)) return { ref, fold };
  const at = entries.length - rule.keepEntries;
  const record = foldRun(entries.slice(0, at)).snapshot();
  const snapshot = formatEntry({ writer: outside, seq: 0, at: engine.clock.now(), record });
  if (snapshot.length > limits.snapshotBytesMax) return { ref, fold };
  const kept = entries.slice(at);
  const isDone = await engine.journal.compact(ref, { length: entries.length, snapshot, keep: kept.length });
  if (!isDone) return { ref, fold };
  engine.log.info("a journal was compacted", { entries: entries.length, volume: record.volume });
  const compacted = createRunFold();
  for (const entry of [snapshot, ...kept]) compacted.apply(entry);
  return { ref: { ...ref, volume: record.volume }, fold: compacted };
}
