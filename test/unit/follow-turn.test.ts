import { describe, expect, it } from "vitest";
import { followTurn } from "../../src/agent/follow-turn.ts";
import { currentTurn } from "../../src/agent/turn-state.ts";
import { writerLimits } from "../../src/event/log-writer.ts";
import { formatRecord, markOf } from "../../src/event/log-record.ts";
import type { TurnEvent } from "../../src/event/turn-event.ts";
import { manualClock, settle } from "../fakes/clock.ts";
import { memoryEventLog } from "../fakes/memory-event-log.ts";

const ref = { userId: "usr_1", conversationId: "c" };

async function runningTurn() {
  const clock = manualClock();
  const log = memoryEventLog(clock);
  const opened = await log.open(ref, {
    type: "workflow-started",
    runId: "r",
    messageId: "m",
    userMessage: { id: "u", text: "hi" },
    at: 1,
  });
  if (opened.kind !== "opened") throw new Error("expected an open log");
  let { listLength } = opened.tenure;
  async function write(seq: number, event: TurnEvent): Promise<void> {
    const id = { generation: opened.kind === "opened" ? opened.tenure.generation : 0, seq };
    const record = formatRecord(id, markOf(event), clock.now(), JSON.stringify(event));
    listLength += 1;
    await log.flush(ref, [record], [record], listLength);
  }
  const frames: string[] = [];
  const turn = currentTurn(await log.read(ref))!;
  const parts = { log, feed: log, clock, pause: clock.pause, random: () => 0 };
  const followed = followTurn(
    parts,
    ref,
    turn,
    { write: async (frame) => void frames.push(frame) },
    new AbortController().signal,
  );
  await settle();
  return { clock, write, frames, followed };
}

describe("a follower of a turn", () => {
  it("gets everything to the end", async () => {
    const { write, frames, followed } = await runningTurn();
    await write(1, { type: "step-started", step: 1 });
    await write(2, { type: "message-delta", text: "hello" });
    await write(3, { type: "workflow-completed", runId: "r", finishReason: "stop" });
    await followed;
    expect(frames.join("")).toContain('"delta":"hello"');
    expect(frames.at(-1)).toContain("[DONE]");
  });

  it("waits as long as there are signs of life, and gives up a lease after the last", async () => {
    const { clock, write, followed } = await runningTurn();
    const outcome = followed.catch((error: unknown) => error);
    for (let beat = 1; beat <= 4; beat += 1) {
      await clock.advance(writerLimits.leaseMs - 1_000);
      await write(beat, { type: "heartbeat" });
      await settle();
    }
    await clock.advance(writerLimits.leaseMs + 1_000);
    expect(await outcome).toMatchObject({ code: "redis_unavailable" });
  });
});
