/** What a journal amounts to, whoever reads it and however it was written down. */
import * as fc from "fast-check";
import { describe, expect, it } from "vitest";
import { createRunFold, foldRun } from "../../src/engine/fold-run.ts";
import { formatEntry, parseEntry, type JournalEntry, type JournalRecord } from "../../src/engine/journal-entry.ts";
import type { RunState } from "../../src/engine/run-state.ts";
import { nothingSpent } from "../../src/engine/spending.ts";

const spent = { ...nothingSpent, commands: 1 };

/** Records as segments and others write them, in any order at all. */
const step = fc.constantFrom("a", "b", "loop[0]/c", "loop[0]", "loop[1]", "undo a");
const records: fc.Arbitrary<JournalRecord> = fc.oneof(
  fc.record({ type: fc.constant("done" as const), step, value: fc.jsonValue() as fc.Arbitrary<any> }),
  fc.constant({ type: "done", step: "a", value: 1, isUndoable: true, beside: 2 } as const),
  fc.constant({ type: "done", step: "loop[1]", value: 1, closes: "loop[", emitted: 2 } as const),
  fc.record({ type: fc.constant("done" as const), step, signalId: fc.constantFrom("s1", "s2") }),
  fc.record({ type: fc.constant("failed" as const), step, failure: fc.constant({ name: "Error", message: "no" }) }),
  fc.constant({ type: "attempted", step: "b", attempt: 1, failure: { name: "E", message: "" }, nextAtMs: 5 } as const),
  fc.constant({ type: "waiting", step: "b", untilMs: 50, signal: "word" } as const),
  fc.constant({ type: "event", name: "said", payload: 1 } as const),
  fc.constant({ type: "beat" } as const),
  fc.constant({ type: "undoing", status: "failed", failure: { name: "E", message: "" } } as const),
  fc.constantFrom(
    { type: "yielded", reason: "steps", spent } as const,
    { type: "yielded", reason: "paused", spent } as const,
  ),
  fc.constant({ type: "suspended", untilMs: 60, spent } as const),
  fc.constant({ type: "parked", failure: { name: "E", message: "" }, step: "b", spent } as const),
  fc.constant({ type: "completed", output: 1, spent } as const),
  fc.constant({ type: "ended", status: "failed", failure: { name: "E", message: "" }, step: "b", spent } as const),
  fc.constant({ type: "opened", leaseMs: 30, after: 0 } as const),
  fc.constant({ type: "opened", leaseMs: 30, delivery: { messageId: "m", retried: 0 } } as const),
  fc.constant({ type: "opened", leaseMs: 30, delivery: { messageId: "m", retried: 1 } } as const),
);
const outsideRecords: fc.Arbitrary<JournalRecord> = fc.oneof(
  fc.record({ type: fc.constant("signal" as const), id: fc.constantFrom("s1", "s2", "s3"), name: fc.constant("word") }),
  fc.constant({ type: "cancel", reason: "no", isUndoing: true } as const),
  fc.constantFrom(
    { type: "pause" } as const,
    { type: "resume" } as const,
    { type: "retry" } as const,
    { type: "compensate" } as const,
  ),
  fc.constant({ type: "started", definition: "d", version: 2 } as const),
);

/** A journal that begins as one does, and then is anything: several writers, old ones, repeated entries, and what nobody understands. */
const journals: fc.Arbitrary<string[]> = fc
  .array(
    fc.oneof(
      { weight: 6, arbitrary: fc.record({ writer: fc.constantFrom("x", "y"), record: records }) },
      { weight: 2, arbitrary: fc.record({ writer: fc.constant("-"), record: outsideRecords }) },
      { weight: 1, arbitrary: fc.constant("again" as const) },
      { weight: 1, arbitrary: fc.constant("garbage" as const) },
    ),
    { maxLength: 40 },
  )
  .map((items) => {
    const started: JournalRecord = { type: "started", definition: "d", version: 1, input: 1 };
    const entries = [formatEntry({ writer: "-", seq: 0, at: 1, record: started })];
    const next: Record<string, number> = { x: 0, y: 0 };
    for (const [index, item] of items.entries()) {
      if (item === "again") entries.push(entries.at(-1)!);
      else if (item === "garbage") entries.push(`x ${index} ? unknown {`);
      else {
        const { writer, record } = item;
        const seq = record.type === "opened" || writer === "-" ? 0 : next[writer]!;
        if (writer !== "-") next[writer] = seq + 1;
        entries.push(formatEntry({ writer, seq, at: 1 + index * 4, record }));
      }
    }
    return entries;
  });

/** All but what tells one volume from another. */
function seen({ state }: { state: RunState }): unknown {
  return JSON.parse(JSON.stringify({ ...state, volume: 0, length: 0, bytes: 0, ...collections(state) }));
}

function collections({ attempts, waits, signalIds }: RunState): object {
  return { attempts: [...attempts], waits: [...waits], signalIds: [...signalIds], settledSteps: [] };
}

describe("a journal", () => {
  it("folds to the same state from a snapshot of any beginning and the rest", () => {
    fc.assert(
      fc.property(journals, fc.nat(), (entries, chosen) => {
        const at = 1 + (chosen % entries.length);
        const snapshot = formatEntry({ writer: "-", seq: 0, at: 9, record: foldRun(entries.slice(0, at)).snapshot() });
        const compacted = foldRun([snapshot, ...entries.slice(at)]);
        expect(seen(compacted)).toEqual(seen(foldRun(entries)));
        expect(compacted.state).toMatchObject({ volume: 1, length: entries.length - at + 1 });
        // And from a snapshot of that one in turn.
        const again = formatEntry({ writer: "-", seq: 0, at: 9, record: compacted.snapshot() });
        expect(seen(foldRun([again]))).toEqual(seen(compacted));
      }),
      { numRuns: 500 },
    );
  });

  it("folds to the same state entry by entry as all at once, and never throws", () => {
    fc.assert(
      fc.property(journals, (entries) => {
        const fold = createRunFold();
        const counted = entries.filter((entry) => fold.apply(entry));
        expect(seen(fold)).toEqual(seen(foldRun(entries)));
        // What does not count may as well be missing.
        expect(seen(foldRun(counted))).toEqual(seen(fold));
      }),
      { numRuns: 500 },
    );
  });

  it("has a place for each entry of its own that counts, and ids of signals that are each taken once", () => {
    fc.assert(
      fc.property(journals, (entries) => {
        const { state } = foldRun(entries);
        expect(state.places).toBeLessThanOrEqual(entries.length);
        expect(new Set(state.signals.map(({ id }) => id)).size).toBe(state.signals.length);
        expect(new Set(state.settled.map(({ step: name }) => name)).size).toBe(state.settled.length);
      }),
    );
  });

  it("keeps the first outcome of a step, whatever a later entry says of it", () => {
    const opened: JournalRecord = { type: "opened", leaseMs: 1_000, after: 0 };
    const outcomes: JournalRecord[] = [
      { type: "done", step: "a", value: 1 },
      { type: "done", step: "a", value: 2 },
      { type: "failed", step: "a", failure: { name: "Error", message: "no" } },
    ];
    const { state } = foldRun([
      formatEntry({ writer: "-", seq: 0, at: 1, record: { type: "started", definition: "d", version: 1, input: 1 } }),
      ...[opened, ...outcomes].map((record, seq) => formatEntry({ writer: "x", seq, at: 2 + seq, record })),
    ]);
    expect(state.settled.map(({ outcome }) => outcome)).toEqual([{ kind: "done", value: 1 }]);
  });

  it("takes a snapshot only as the first entry of all", () => {
    const started = formatEntry({
      writer: "-",
      seq: 0,
      at: 1,
      record: { type: "started", definition: "d", version: 1 },
    });
    const other = formatEntry({ writer: "-", seq: 0, at: 1, record: { type: "started", definition: "e", version: 1 } });
    const snapshot = formatEntry({ writer: "-", seq: 0, at: 1, record: foldRun([other]).snapshot() });
    expect(foldRun([started, snapshot]).state.started?.definition).toBe("d");
    expect(foldRun([snapshot, started]).state.started?.definition).toBe("e");
  });
});

describe("an entry", () => {
  it("is read back as it was written", () => {
    fc.assert(
      fc.property(records, fc.nat(), fc.nat(), (record, seq, at) => {
        const entry: JournalEntry = { writer: "a1b2", seq, at, record };
        expect(JSON.stringify(parseEntry(formatEntry(entry)))).toBe(JSON.stringify(entry));
      }),
    );
  });

  it.each([
    "",
    " ",
    "x",
    "x 1 2 done",
    "x 1 2 done ",
    "x 1 2 done {",
    "x 1 2 done null",
    "x 1 2 done 5",
    "x y 2 done {}",
    "x 1 z done {}",
    "x 1.5 2 done {}",
    "x 1 2 unknown {}",
    " 1 2 done {}",
    "x 99999999999999999999 2 done {}",
  ])("that cannot be read is skipped: %j", (text) => {
    expect(parseEntry(text)).toBeUndefined();
    const fold = createRunFold();
    expect(fold.apply(text)).toBe(false);
    expect(fold.state).toMatchObject({ length: 1, started: undefined });
  });
});
