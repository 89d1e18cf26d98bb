/** W1 to W5: what a segment writes, and what it notices. */
import { describe, expect, it } from "vitest";
import { AppError } from "../../src/core/errors.ts";
import { limits } from "../../src/core/limits.ts";
import { createRunFold } from "../../src/engine/fold-run.ts";
import { formatEntry } from "../../src/engine/journal-entry.ts";
import type { Journal } from "../../src/engine/journal.ts";
import { createJournalWriter, LeaseLost } from "../../src/engine/journal-writer.ts";
import { manualClock, settle, silentLog } from "../fakes/clock.ts";
import { memoryJournal } from "../fakes/memory-journal.ts";

const ref = { userId: "usr_1", runId: "run_1" };

async function open(over: (journal: ReturnType<typeof memoryJournal>) => Partial<Journal> = () => ({})) {
  const clock = manualClock();
  const journal = memoryJournal();
  const at = clock.now();
  const entries = [
    formatEntry({ writer: "-", seq: 0, at, record: { type: "started", definition: "d", version: 1 } }),
    formatEntry({ writer: "s", seq: 0, at, record: { type: "opened", leaseMs: 30_000 } }),
  ];
  await journal.start(ref, { entries, startedAtMs: at, dueAtMs: at });
  const fold = createRunFold();
  for (const entry of entries) fold.apply(entry);
  let news = 0;
  const writer = createJournalWriter({
    journal: { ...journal, ...over(journal) },
    ref,
    segment: "s",
    fold,
    unpublished: entries,
    isPublishing: true,
    clock,
    log: silentLog,
    onNews: () => (news += 1),
  });
  const signal = (id: string): Promise<number> =>
    journal.act(ref, { entry: formatEntry({ writer: "-", seq: 0, at, record: { type: "signal", id, name: "word" } }) });
  const takeOver = (): Promise<number> =>
    journal.append(ref, [
      formatEntry({ writer: "t", seq: 0, at: at + 60_000, record: { type: "opened", leaseMs: 30_000 } }),
    ]);
  const done = (step: string): number => writer.add({ type: "done", step });
  const settled = (): string[] => fold.state.settled.map(({ step }) => step);
  return { clock, journal, writer, fold, signal, takeOver, done, settled, news: () => news };
}

const lost = (): Promise<never> => Promise.reject(new AppError("redis_unavailable", "lost"));
const typesIn = (journal: ReturnType<typeof memoryJournal>): string[] =>
  journal.entries(ref).map((entry) => entry.split(" ")[3]!);

describe("a writer", () => {
  it("writes all that was added in one call, and nothing where nothing was", async () => {
    const { journal, writer, done, settled } = await open();
    await writer.flush();
    done("a");
    done("b");
    await writer.flush();
    expect(journal.calls).toEqual(["start", "append"]);
    expect(settled()).toEqual(["a", "b"]);
  });

  it("has one flush under way at a time; what comes meanwhile goes with the next", async () => {
    let underWay = 0;
    let most = 0;
    const { journal, writer, done } = await open((inner) => ({
      async append(...args) {
        underWay += 1;
        most = Math.max(most, underWay);
        await settle();
        underWay -= 1;
        return inner.append(...args);
      },
    }));
    done("a");
    const first = writer.flush();
    done("b");
    done("c");
    await Promise.all([first, writer.flush(), writer.flush()]);
    expect(most).toBe(1);
    expect(journal.calls).toEqual(["start", "append", "append"]);
  });

  it("reads what others wrote only when the list is longer than it would be", async () => {
    const { journal, writer, signal, done, news } = await open();
    done("a");
    await writer.flush();
    expect([journal.calls.filter((name) => name === "read").length, news()]).toEqual([0, 0]);
    await signal("s1");
    done("b");
    await writer.flush();
    expect([journal.calls.filter((name) => name === "read").length, news()]).toEqual([1, 1]);
    done("c");
    await writer.flush();
    expect([journal.calls.filter((name) => name === "read").length, news()]).toEqual([1, 1]);
  });

  it("whose flush fails repeats it twice, and gives up then", async () => {
    let attempts = 0;
    const { writer, done } = await open(() => ({ append: () => ((attempts += 1), lost()) }));
    done("a");
    await expect(writer.flush()).rejects.toThrow("lost");
    expect(attempts).toBe(limits.flushAttemptsMax);
  });

  it("repeats with the next flush what one could not write, in order and once", async () => {
    let isDown = true;
    const { journal, writer, done, settled } = await open((inner) => ({
      append: (...args) => (isDown ? lost() : inner.append(...args)),
    }));
    done("a");
    await expect(writer.flush()).rejects.toThrow("lost");
    isDown = false;
    done("b");
    await writer.flush();
    expect(settled()).toEqual(["a", "b"]);
    expect(typesIn(journal)).toEqual(["started", "opened", "done", "done"]);
  });

  it("counts once what was written although the answer was lost, also if the reading back fails as well", async () => {
    let isReading = false;
    const { writer, done, settled, news } = await open((inner) => {
      let isFirst = true;
      return {
        async append(...args) {
          const length = await inner.append(...args);
          if (!isFirst) return length;
          isFirst = false;
          return lost();
        },
        read: (...args) => (isReading ? inner.read(...args) : ((isReading = true), lost())),
      };
    });
    done("a");
    await expect(writer.flush()).rejects.toThrow("lost");
    done("b");
    await writer.flush();
    expect(settled()).toEqual(["a", "b"]);
    expect(news()).toBe(0);
  });

  it("does not take an old copy of the journal for the loss of its lease", async () => {
    const { writer, signal, done } = await open((inner) => ({
      read: async (...args) => (await inner.read(...args)).slice(0, -1),
    }));
    await signal("s1");
    done("a");
    await expect(writer.flush()).rejects.toMatchObject({ code: "redis_unavailable" });
  });

  it("does not repeat what is refused for good", async () => {
    let attempts = 0;
    const { writer, done } = await open(() => ({
      append: () => ((attempts += 1), Promise.reject(new AppError("misconfigured", "no token"))),
    }));
    done("a");
    await expect(writer.flush()).rejects.toThrow("no token");
    expect(attempts).toBe(1);
  });
});

describe("a writer that has lost its lease", () => {
  it("finds out with its next flush, and writes nothing any more", async () => {
    const { journal, writer, takeOver, done, settled } = await open();
    await takeOver();
    done("a");
    await expect(writer.flush()).rejects.toBeInstanceOf(LeaseLost);
    expect(settled()).toEqual([]);
    const length = journal.entries(ref).length;
    done("b");
    await expect(writer.flush()).rejects.toBeInstanceOf(LeaseLost);
    await expect(writer.close({ type: "completed", spent: { ...zero } })).rejects.toBeInstanceOf(LeaseLost);
    expect(journal.entries(ref)).toHaveLength(length);
  });

  it("finds out also when its entries still counted, and the other's opening stands behind them", async () => {
    const { writer, done, takeOver, signal } = await open((inner) => ({
      async append(...args) {
        await inner.append(...args);
        await takeOver();
        return journalOf(inner).length;
      },
    }));
    const journalOf = (inner: ReturnType<typeof memoryJournal>): string[] => inner.entries(ref);
    await signal("s1");
    done("a");
    await expect(writer.flush()).rejects.toBeInstanceOf(LeaseLost);
  });

  it("finds out when its volume is gone, however long the new one is", async () => {
    const { journal, writer, done } = await open();
    const snapshot = formatEntry({ writer: "-", seq: 0, at: 1, record: { type: "snapshot", volume: 1, state: {} } });
    expect(await journal.compact(ref, { length: 2, snapshot, keep: 1 })).toBe(true);
    expect(journal.entries(ref)).toHaveLength(2);
    done("a");
    await expect(writer.flush()).rejects.toBeInstanceOf(LeaseLost);
    expect(journal.entries(ref)).toHaveLength(2);
  });
});

describe("readers", () => {
  it("are told of every entry, at most once in a quarter of a second, and always with the last flush", async () => {
    const { clock, journal, writer, done } = await open();
    done("a");
    await writer.flush();
    done("b");
    await writer.flush();
    await clock.advance(249);
    done("c");
    await writer.flush();
    await clock.advance(1);
    done("d");
    await writer.flush();
    done("e");
    await writer.close({ type: "completed", spent: zero });
    const told = journal.published.map(({ from, entries }) => [from, entries.map((entry) => entry.split(" ")[3])]);
    expect(told).toEqual([
      [0, ["started", "opened", "done"]],
      [3, ["done", "done", "done"]],
      [6, ["done", "completed"]],
    ]);
    expect(journal.published.flatMap(({ entries }) => entries)).toEqual(journal.entries(ref));
  });

  it("are not told the same twice when a flush had to be repeated", async () => {
    let isDown = true;
    const { clock, journal, writer, done } = await open((inner) => ({
      append: (...args) => (isDown ? lost() : inner.append(...args)),
    }));
    done("a");
    await expect(writer.flush()).rejects.toThrow("lost");
    isDown = false;
    await writer.flush();
    await clock.advance(limits.publishMs);
    done("b");
    await writer.flush();
    expect(journal.published.flatMap(({ entries }) => entries)).toEqual(journal.entries(ref));
  });
});

const zero = { commands: 0, roundTrips: 0, messages: 0, subrequests: 0, wallMs: 0 };
