import { describe, expect, it } from "vitest";
import { createEventLog, type NumberedEvent } from "../../stack/qstash/event-log.ts";
import { eventBytesMax, eventCountMax } from "../../stack/qstash/limits.ts";
import type { Message } from "../../stack/qstash/message.ts";
import { memoryCollection } from "../../stack/storage/collection.ts";

function message(number: number, body = Buffer.alloc(0)): Message {
  return {
    messageId: `msg_${number}`,
    url: "http://127.0.0.1/",
    method: "POST",
    header: {},
    body,
    retried: 0,
    maxRetries: 3,
    timeoutMs: 1_000,
    notBeforeMs: 0,
    createdAtMs: 0,
    callerIp: "127.0.0.1",
    labels: [],
  };
}

function newLog() {
  const kept = memoryCollection<NumberedEvent>(new Map());
  const open = () => createEventLog(kept, () => 1);
  return { kept, open, log: open() };
}

describe("the event log", () => {
  it("shows the newest first, as many as its limit, and keeps a bounded number", () => {
    const { kept, log } = newLog();
    const noted = eventCountMax * 2 + 7;
    for (let number = 1; number <= noted; number += 1) log.note("CREATED", message(number));
    const list = log.list();
    expect(list).toHaveLength(eventCountMax);
    expect([list[0]?.message.messageId, list.at(-1)?.message.messageId]).toEqual([
      `msg_${noted}`,
      `msg_${noted - eventCountMax + 1}`,
    ]);
    expect(kept.size()).toBeLessThanOrEqual(eventCountMax * 2);
  });

  it("keeps a bounded number of bytes, the newest ones", () => {
    const { kept, log } = newLog();
    const body = Buffer.alloc(1024 * 1024);
    const bodyCountMax = eventBytesMax / body.length;
    for (let number = 1; number <= bodyCountMax * 5; number += 1) log.note("CREATED", message(number, body));
    expect(kept.size()).toBeLessThanOrEqual(bodyCountMax * 2);
    expect(kept.size()).toBeGreaterThanOrEqual(bodyCountMax);
    expect(log.list()[0]?.message.messageId).toBe(`msg_${bodyCountMax * 5}`);
  });

  it("goes on where the log of an earlier process ended", () => {
    const { kept, open, log } = newLog();
    for (let number = 1; number <= eventCountMax * 2 + 1; number += 1) log.note("CREATED", message(number));
    const before = log.list();
    const again = open();
    expect(again.list()).toEqual(before);
    again.note("DELIVERED", message(0));
    expect(again.list().slice(0, 2)).toEqual([expect.objectContaining({ state: "DELIVERED" }), before[0]]);
    expect(new Set(kept.values().map(({ number }) => number)).size).toBe(kept.size());
  });

  it("tells what was, also when the message has changed since", () => {
    const { log } = newLog();
    const changing = message(1);
    log.note("CREATED", changing);
    changing.retried = 2;
    expect(log.list()[0]?.message.retried).toBe(0);
  });
});
