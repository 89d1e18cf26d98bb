import { AppError } from "../core/errors.ts";
import type { ConversationRef } from "../event/event-log.ts";
import { follow, type FollowParts } from "../event/follow.ts";
import { writerLimits } from "../event/log-writer.ts";
import { isEnding } from "../event/turn-event.ts";
import type { FrameSink } from "./run-turn.ts";
import type { TurnState } from "./turn-state.ts";
import { createUiProjection } from "./ui-projection.ts";

/**
 * Passes a running turn on to one more reader, from its first event to its end.
 * @throws redis_unavailable (retry) when the turn gave no sign of life for a whole lease, or the log could not be followed: the reader's next
 *   request takes the turn up.
 */
export async function followTurn(
  parts: FollowParts,
  ref: ConversationRef,
  turn: TurnState,
  sink: FrameSink,
  signal: AbortSignal,
): Promise<void> {
  const projection = createUiProjection();
  const { runId, messageId, userMessage, startedAt } = turn;
  await sink.write(projection.event({ type: "workflow-started", runId, messageId, userMessage, at: startedAt }));
  const watch = startWatch(parts, signal);
  try {
    for await (const item of follow(parts, ref, turn.first, watch.signal)) {
      watch.touch();
      if (item.kind === "reset") break;
      await sink.write(projection.event(item.record.event));
      if (isEnding(item.record.event)) return;
    }
  } finally {
    watch.stop();
  }
  throw new AppError("redis_unavailable", "the turn could not be followed to its end");
}

/** Aborts when nothing was touched for a whole lease. */
function startWatch(parts: FollowParts, outer: AbortSignal): { signal: AbortSignal; touch(): void; stop(): void } {
  const aborter = new AbortController();
  let isTouched = true;
  async function watch(): Promise<void> {
    while (isTouched) {
      isTouched = false;
      await parts.pause(writerLimits.leaseMs, aborter.signal);
    }
    aborter.abort();
  }
  watch().catch(() => undefined);
  return {
    signal: AbortSignal.any([outer, aborter.signal]),
    touch: () => void (isTouched = true),
    stop: () => aborter.abort(),
  };
}
