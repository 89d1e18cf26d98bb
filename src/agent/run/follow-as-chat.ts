import { followRun, type FollowRunParts } from "../../engine/follow-run.ts";
import type { RunRef } from "../../engine/journal.ts";
import type { FrameSink } from "../run-turn.ts";
import { createRunFrames } from "./run-frames.ts";

/**
 * Shows a run to a reader of a chat, until it is over or waits for the reader's word.
 * @param after what the reader has of it already: place of the last event; -1 for nothing.
 * @param last place of the last event that there is: what the run waited for before was given.
 */
export async function followRunAsChat(
  parts: FollowRunParts,
  ref: RunRef,
  o: { readonly after: number; readonly last: number; readonly sink: FrameSink; readonly signal: AbortSignal },
): Promise<void> {
  const { after, last, sink, signal } = o;
  const frames = createRunFrames(ref.runId);
  const aborter = new AbortController();
  const inner = AbortSignal.any([signal, aborter.signal]);
  try {
    for await (const event of followRun(parts, ref, -1, inner)) {
      const written = frames.event(event);
      // The reader's message begins with this frame also when it goes on.
      if (event.place > after || event.type === "workflow-started") await sink.write(written);
      if (event.place > after && event.place >= last && event.type === "segment-suspended" && frames.isWaiting()) {
        await sink.write(frames.rest());
      }
      if (frames.isOver() || sink.isClosed?.() === true) return;
    }
  } finally {
    aborter.abort();
  }
}
