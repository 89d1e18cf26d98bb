import { describe, expect, it } from "vitest";
import { createFaultBook } from "../../stack/faults.ts";
import { createLedger } from "../../stack/ledger.ts";

describe("the book of faults", () => {
  it("gives the first rule that matches the server and the subject, in any case", () => {
    const book = createFaultBook();
    book.add({ server: "qstash", action: "delay" });
    const rule = book.add({ server: "redis", match: "RPUSH", action: "drop-after" });
    book.add({ server: "redis", action: "status" });
    expect(book.take("redis", 'POST /\n["rpush","k","v"]')).toEqual(rule);
    expect(book.take("redis", "GET /get/k")?.action).toBe("status");
    expect(book.take("model", "POST /v1/chat/completions")).toBeUndefined();
  });

  it("makes a subject only when there is a rule for the server", () => {
    const book = createFaultBook();
    book.add({ server: "redis", match: "get", action: "delay" });
    let made = 0;
    const subject = (): string => `GET ${++made}`;
    expect(book.take("qstash", subject)).toBeUndefined();
    expect(made).toBe(0);
    expect(book.take("redis", subject)?.action).toBe("delay");
    expect(made).toBe(1);
  });

  it("fires a rule as often as its count says, and then forgets it", () => {
    const book = createFaultBook();
    book.add({ server: "redis", action: "drop-before", count: 2 });
    const fired = [1, 2, 3].map(() => book.take("redis", "") !== undefined);
    expect(fired).toEqual([true, true, false]);
    expect(book.list()).toEqual([]);
  });

  it("fires a rule at every n-th request that matches, the n-th first", () => {
    const book = createFaultBook();
    book.add({ server: "delivery", match: "run", action: "duplicate", every: 3, count: 2 });
    const subjects = ["run", "run", "other", "run", "run", "run", "run", "run", "run", "run"];
    const fired = subjects.map((subject) => book.take("delivery", subject) !== undefined);
    expect(fired.flatMap((hasFired, index) => (hasFired ? [index] : []))).toEqual([3, 6]);
  });

  it("a rule that was removed does not fire; copies that were given out do not change it", () => {
    const book = createFaultBook();
    const rule = book.add({ server: "redis", action: "delay", delayMs: 1 });
    for (const copy of book.list()) copy.server = "model";
    expect(book.take("redis", "")).toEqual(rule);
    expect([book.remove(rule.id), book.remove(rule.id)]).toEqual([true, false]);
    expect(book.take("redis", "")).toBeUndefined();
  });
});

describe("the ledger", () => {
  it("counts a key under what stands before its hash tag, or under its first word", () => {
    const ledger = createLedger();
    ledger.command("get", "memory:conversations:{ada}:42");
    ledger.command("GET", "cache:x:y", 3);
    ledger.command("GET", "{ada}:x");
    ledger.command("PING", undefined);
    expect(ledger.read()).toMatchObject({
      commands: 6,
      byCommand: { GET: 5, PING: 1 },
      byKeyPrefix: { "memory:conversations": 1, cache: 3, "{ada}": 1 },
    });
  });

  it("holds a bounded number of names, whatever callers send", () => {
    const ledger = createLedger();
    for (let index = 0; index < 5_000; index++) ledger.command("GET", `key-${index}`);
    const { byKeyPrefix } = ledger.read();
    expect(Object.keys(byKeyPrefix)).toHaveLength(1_001);
    expect(byKeyPrefix["(other)"]).toBe(4_000);
  });

  it("a reading does not change any more, and a reset begins at zero", () => {
    const ledger = createLedger();
    ledger.message("https://example.com/a");
    const reading = ledger.read();
    ledger.message("https://example.com/a");
    ledger.modelCall("model");
    expect([reading.messages, ledger.read().messages, ledger.read().modelCalls]).toEqual([1, 2, 1]);
    ledger.reset();
    expect(ledger.read()).toEqual({
      commands: 0,
      byCommand: {},
      byKeyPrefix: {},
      roundTrips: 0,
      messages: 0,
      byUrl: {},
      modelCalls: 0,
      bytes: {
        redis: { in: 0, out: 0 },
        qstash: { in: 0, out: 0 },
        model: { in: 0, out: 0 },
        delivery: { in: 0, out: 0 },
        restaurant: { in: 0, out: 0 },
      },
      bytesByKeyPrefix: {},
      bytesByUrl: {},
      embeddingCalls: 0,
      embeddedTexts: 0,
    });
  });

  it("adds bytes up by server, key prefix and URL, for a bounded number of names", () => {
    const ledger = createLedger();
    ledger.serverBytes("redis", { in: 1, out: 2 });
    ledger.serverBytes("redis", { in: 10, out: 20 });
    ledger.urlBytes("https://example.com/a", { in: 3, out: 4 });
    for (let index = 0; index < 5_000; index += 1) ledger.keyBytes(`key-${index}:x`, { in: 1, out: 1 });
    const { bytes, bytesByUrl, bytesByKeyPrefix } = ledger.read();
    expect(bytes).toMatchObject({ redis: { in: 11, out: 22 }, delivery: { in: 3, out: 4 } });
    expect(bytesByUrl).toEqual({ "https://example.com/a": { in: 3, out: 4 } });
    expect(bytesByKeyPrefix["(other)"]).toEqual({ in: 4_000, out: 4_000 });
  });
});
