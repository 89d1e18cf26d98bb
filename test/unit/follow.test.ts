import { describe, expect, it } from "vitest";
import { beforeAllEvents, formatEventId, type EventId } from "../../src/event/event-id.ts";
import { follow, type FollowItem } from "../../src/event/follow.ts";
import { formatRecord, markOf } from "../../src/event/log-record.ts";
import type { TurnEvent } from "../../src/event/turn-event.ts";
import { manualClock, settle } from "../fakes/clock.ts";
import { memoryEventLog, type MemoryEventLog } from "../fakes/memory-event-log.ts";

const ref = { userId: "usr_1", conversationId: "c" };
const clock = manualClock();

function opening(runId: string): Extract<TurnEvent, { type: "workflow-started" }> {
  return {
    type: "workflow-started",
    runId,
    messageId: `msg_${runId}`,
    userMessage: { id: `u_${runId}`, text: "hi" },
    at: 1,
  };
}

/** Opens a turn and returns what writes its events. */
async function openTurn(log: MemoryEventLog, runId = "r1") {
  const opened = await log.open(ref, opening(runId));
  if (opened.kind !== "opened") throw new Error("expected an open log");
  const { generation } = opened.tenure;
  let { listLength } = opened.tenure;
  const record = (seq: number, event: TurnEvent): string =>
    formatRecord({ generation, seq }, markOf(event), 1, JSON.stringify(event));
  async function write(events: Record<number, TurnEvent>, published?: string[]): Promise<void> {
    const records = Object.entries(events).map(([seq, event]) => record(Number(seq), event));
    listLength += records.length;
    await log.flush(ref, records, published ?? records, listLength);
  }
  return { generation, write, record };
}

const text = (value: string): TurnEvent => ({ type: "message-delta", text: value });

/** Collects what a reader gets until it is stopped. */
function reader(log: MemoryEventLog, cursor: EventId | "unknown" = beforeAllEvents) {
  const items: string[] = [];
  const aborter = new AbortController();
  const done = (async () => {
    const parts = { log, feed: log, pause: clock.pause, random: () => 0 };
    for await (const item of follow(parts, ref, cursor, aborter.signal)) items.push(nameOf(item));
  })();
  return { items, stop: () => aborter.abort(), done };
}

function nameOf(item: FollowItem): string {
  if (item.kind === "reset") return `reset ${formatEventId(item.from)}`;
  return item.kind === "run" ? `run ${item.runId}` : `${item.record.id.seq}:${item.record.event.type}`;
}

describe("a reader of a conversation", () => {
  it("gets what is there, then what comes, each once", async () => {
    const log = memoryEventLog(clock);
    const turn = await openTurn(log);
    await turn.write({ 1: text("a") });
    const { items, stop, done } = reader(log);
    await settle();
    await turn.write({ 2: text("b") });
    await settle();
    stop();
    await done;
    expect(items).toEqual(["0:workflow-started", "1:message-delta", "2:message-delta"]);
  });

  it("that reconnects at event 1 receives event 2 first", async () => {
    const log = memoryEventLog(clock);
    const turn = await openTurn(log);
    await turn.write({ 1: text("a"), 2: text("b"), 3: text("c") });
    const { items, stop, done } = reader(log, { generation: turn.generation, seq: 1 });
    await settle();
    stop();
    await done;
    expect(items).toEqual(["2:message-delta", "3:message-delta"]);
  });

  it("reads the list again when a published batch was lost", async () => {
    const log = memoryEventLog(clock);
    const turn = await openTurn(log);
    const { items, stop, done } = reader(log);
    await settle();
    await turn.write({ 1: text("lost on the way") }, []);
    await turn.write({ 2: text("b") });
    await settle();
    stop();
    await done;
    expect(items).toEqual(["0:workflow-started", "1:message-delta", "2:message-delta"]);
  });

  it("drops what is published twice", async () => {
    const log = memoryEventLog(clock);
    const turn = await openTurn(log);
    const { items, stop, done } = reader(log);
    await settle();
    await turn.write({ 1: text("a") });
    await turn.write({ 1: text("a") });
    await turn.write({ 2: text("b") });
    await settle();
    stop();
    await done;
    expect(items).toEqual(["0:workflow-started", "1:message-delta", "2:message-delta"]);
  });

  it("never sees what a superseded writer appends", async () => {
    const log = memoryEventLog(clock);
    const turn = await openTurn(log);
    const { items, stop, done } = reader(log);
    await settle();
    await log.supersede(ref, { generation: turn.generation, seq: 0 }, { type: "workflow-stopped", runId: "r1" });
    await turn.write({ 1: text("too late") });
    await settle();
    stop();
    await done;
    expect(items).toEqual(["0:workflow-started", "0:workflow-stopped"]);
    const again = reader(log);
    await settle();
    again.stop();
    await again.done;
    expect(again.items).toEqual(items);
  });

  it("subscribes anew when the subscription ends, and misses nothing meanwhile", async () => {
    const log = memoryEventLog(clock);
    const turn = await openTurn(log);
    const { items, stop, done } = reader(log);
    await settle();
    log.disconnect();
    await settle();
    await turn.write({ 1: text("while nobody listened") });
    await clock.advance(1_000);
    await turn.write({ 2: text("b") });
    await settle();
    stop();
    await done;
    expect(items).toEqual(["0:workflow-started", "1:message-delta", "2:message-delta"]);
  });

  it("with a cursor that nobody issued is reset to the start of the turn that runs", async () => {
    const log = memoryEventLog(clock);
    const turn = await openTurn(log);
    await turn.write({ 1: text("a") });
    for (const cursor of [
      "unknown",
      { generation: turn.generation + 99, seq: 4 },
      { generation: 1, seq: 0 },
    ] as const) {
      const { items, stop, done } = reader(log, cursor);
      await settle();
      stop();
      await done;
      expect(items).toEqual(["reset 0-0", "0:workflow-started", "1:message-delta"]);
    }
  });

  it("with an unknown cursor is reset behind everything when no turn runs", async () => {
    const log = memoryEventLog(clock);
    const turn = await openTurn(log);
    await turn.write({ 1: { type: "workflow-completed", runId: "r1", finishReason: "stop" } });
    const { items, stop, done } = reader(log, "unknown");
    await settle();
    stop();
    await done;
    expect(items).toEqual([`reset ${turn.generation}-1`]);
  });

  it("costs nothing while nothing happens", async () => {
    const log = memoryEventLog(clock);
    await openTurn(log);
    const { stop, done } = reader(log);
    await settle();
    const before = log.calls.length;
    await clock.advance(10 * 60_000);
    expect(log.calls.slice(before)).toEqual([]);
    stop();
    await done;
  });
});
