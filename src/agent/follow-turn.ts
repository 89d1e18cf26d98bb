import { AppError } from "../core/errors.ts";
import type { Clock } from "../core/ports.ts";
import type { ConversationRef } from "../event/event-log.ts";
import { follow, type FollowParts } from "../event/follow.ts";
import { writerLimits } from "../event/log-writer.ts";
import { isEnding } from "../event/turn-event.ts";
import type { FrameSink } from "./run-turn.ts";
import type { TurnState } from "./turn-state.ts";
import { createUiProjection } from "./ui-projection.ts";

export interface FollowTurnParts extends FollowParts {
  readonly clock: Clock;
}

/**
 * Passes a running turn on to one more reader, from its first event to its end.
 * @throws redis_unavailable (retry) when the turn gave no sign of life for a whole lease, or the log could not be followed: the reader's next
 *   request takes the turn up.
 */
export async function followTurn(
  parts: FollowTurnParts,
  ref: ConversationRef,
  turn: TurnState,
  sink: FrameSink,
  signal: AbortSignal,
): Promise<void> {
  const projection = createUiProjection();
  const { runId, messageId, userMessage, startedAt } = turn;
  await sink.write(projection.event({ type: "workflow-started", runId, messageId, userMessage, at: startedAt }));
  const watch = startWatch(parts, turn.lastAt, signal);
  try {
    for await (const item of follow(parts, ref, turn.first, watch.signal)) {
      if (item.kind === "reset") break;
      if (item.kind === "run") continue;
      watch.touch(item.record.at);
      await sink.write(projection.event(item.record.event));
      if (isEnding(item.record.event)) return;
      // Nobody has the turn: whoever reads it next takes it up.
      if (item.record.event.type === "segment-yielded") break;
    }
  } finally {
    watch.stop();
  }
  throw new AppError("redis_unavailable", "the turn could not be followed to its end");
}

/** Aborts when the turn's last sign of life is a whole lease ago. */
function startWatch(
  parts: FollowTurnParts,
  lastAtMs: number,
  outer: AbortSignal,
): { signal: AbortSignal; touch(atMs: number): void; stop(): void } {
  const aborter = new AbortController();
  let aliveAtMs = lastAtMs;
  async function watch(): Promise<void> {
    for (;;) {
      const leftMs = aliveAtMs + writerLimits.leaseMs - parts.clock.now();
      if (leftMs < 0) break;
      await parts.pause(leftMs + 1, aborter.signal);
    }
    aborter.abort();
  }
  watch().catch(() => undefined);
  return {
    signal: AbortSignal.any([outer, aborter.signal]),
    touch: (atMs) => void (aliveAtMs = Math.max(aliveAtMs, atMs)),
    stop: () => aborter.abort(),
  };
}
