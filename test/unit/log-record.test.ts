import fc from "fast-check";
import { describe, expect, it } from "vitest";
import { compareEventIds, formatEventId, parseEventId } from "../../src/event/event-id.ts";
import { formatRecord, parseRecord, validRecords } from "../../src/event/log-record.ts";

const id = fc.record({ generation: fc.nat(2_000_000_000_000), seq: fc.nat(99_999) });

function delta(generation: number, seq: number, text = "x"): string {
  return formatRecord({ generation, seq }, "-", 5, JSON.stringify({ type: "message-delta", text }));
}

describe("event ids", () => {
  it("survive being written and read", () => {
    fc.assert(
      fc.property(id, (value) => {
        expect(parseEventId(formatEventId(value))).toEqual(value);
      }),
    );
  });

  it.each(["", "-", "1", "1-", "-1", "1-2-3", "1 -2", "01a-2", "1.5-2", "9".repeat(40) + "-1", "1-2\n"])(
    "are refused when they read %j",
    (text) => {
      expect(parseEventId(text)).toBeUndefined();
    },
  );

  it("are ordered by generation, then by sequence", () => {
    expect(compareEventIds({ generation: 2, seq: 0 }, { generation: 1, seq: 9 })).toBeGreaterThan(0);
    expect(compareEventIds({ generation: 1, seq: 1 }, { generation: 1, seq: 2 })).toBeLessThan(0);
  });
});

describe("records", () => {
  it("keep any text, also with spaces, quotes and line breaks", () => {
    fc.assert(
      fc.property(id, fc.string({ unit: "binary" }), (place, text) => {
        const record = parseRecord(delta(place.generation, place.seq, text));
        expect(record).toMatchObject({ id: place, mark: "-", event: { type: "message-delta", text } });
      }),
    );
  });

  it.each(["", "1 2", '1 2 x 5 {"type":"heartbeat"}', "1 2 - 5 {", '1 2 - 5 {"type":"unheard-of"}', "1 2 - 5 null"])(
    "skip the entry %j",
    (entry) => {
      expect(validRecords([entry])).toEqual([]);
    },
  );

  it("behind a newer generation have no effect", () => {
    const entries = [delta(1, 0), delta(1, 1), delta(2, 0), delta(1, 2), delta(2, 1)];
    expect(validRecords(entries).map((record) => formatEventId(record.id))).toEqual(["1-0", "1-1", "2-0", "2-1"]);
  });

  it("count once when a flush was repeated", () => {
    const entries = [delta(1, 0), delta(1, 1), delta(1, 0), delta(1, 1), delta(1, 2)];
    expect(validRecords(entries).map((record) => record.id.seq)).toEqual([0, 1, 2]);
  });
});
