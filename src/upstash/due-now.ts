import { limits } from "../core/limits.ts";
import type { RunRef } from "../engine/journal.ts";
import type { ConversationRef } from "../event/event-log.ts";
import type { RedisClient } from "./batch.ts";
import { overduePart } from "./due-registry.ts";
import { keptPart } from "./outbox.ts";

/** What a round of the sweep is about. */
export interface DueNow {
  readonly runs: readonly RunRef[];
  readonly turns: readonly ConversationRef[];
  /** Ids of messages in the outbox. */
  readonly kept: readonly string[];
}

/** 1 round trip, 3 billed commands; 2 where there is no outbox. */
export async function readDueNow(
  redis: RedisClient,
  { nowMs, hasOutbox }: { readonly nowMs: number; readonly hasOutbox: boolean },
): Promise<DueNow> {
  let due: ReturnType<typeof overduePart> | undefined;
  let kept: Promise<readonly string[]> | undefined;
  await redis.run((batch) => {
    due = overduePart(batch, nowMs, limits.sweepRunsMax);
    if (hasOutbox) kept = keptPart(batch);
  });
  const [runs = [], turns = [], ids = []] = await Promise.all([due?.runs, due?.turns, kept]);
  return { runs, turns, kept: ids };
}
