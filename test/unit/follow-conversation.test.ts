import { describe, expect, it } from "vitest";
import {
  followConversation,
  formatPlace,
  parsePlace,
  startOfConversation,
  type ConversationItem,
  type ConversationPlace,
} from "../../src/agent/follow-conversation.ts";
import { limits } from "../../src/core/limits.ts";
import type { RunEvent } from "../../src/engine/run-event.ts";
import type { FollowItem } from "../../src/event/follow.ts";

const runId = (digit: number): string => `run_${String(digit).repeat(32)}`;

/** A source whose items are handed in one by one. */
function source<Item>() {
  const waiting: Item[] = [];
  let isEnded = false;
  let wake = (): void => {};
  return {
    push: (...items: Item[]) => (waiting.push(...items), wake()),
    end: () => ((isEnded = true), wake()),
    async *read(signal: AbortSignal): AsyncGenerator<Item, void, undefined> {
      signal.addEventListener("abort", () => wake());
      for (;;) {
        yield* waiting.splice(0);
        if (isEnded || signal.aborted) return;
        await new Promise<void>((resolve) => (wake = resolve));
      }
    },
  };
}

function record(seq: number): FollowItem {
  return { kind: "record", record: { id: { generation: 7, seq }, mark: "-", at: 1, event: { type: "heartbeat" } } };
}

function event(place: number, type = "step-completed"): RunEvent {
  return { place, type, data: { type } };
}

function rig(from: ConversationPlace | "unknown" = startOfConversation) {
  const turns = source<FollowItem>();
  const runs = new Map<string, ReturnType<typeof source<RunEvent>>>();
  const asked: string[] = [];
  const aborter = new AbortController();
  const items = followConversation(
    {
      turns: (at, signal) => (
        asked.push(at === "unknown" ? at : formatPlace({ at, runs: new Map() })),
        turns.read(signal)
      ),
      run(id, after, signal) {
        asked.push(`${id.slice(0, 5)}:${after}`);
        const run = runs.get(id) ?? source<RunEvent>();
        runs.set(id, run);
        return run.read(signal);
      },
    },
    from,
    aborter.signal,
  );
  return { turns, runs, asked, items, aborter };
}

async function next(items: AsyncIterator<ConversationItem>): Promise<ConversationItem> {
  const { value, done } = await items.next();
  if (done === true) throw new Error("the stream has ended");
  return value;
}

describe("a reader of everything in a conversation", () => {
  it("is told of turns and of runs, each item with the place behind it", async () => {
    const { turns, runs, items, asked } = rig();
    turns.push(record(0), { kind: "run", runId: runId(1) });
    expect(formatPlace((await next(items)).place)).toBe("7-0");
    const inRun = next(items);
    await Promise.resolve();
    await new Promise((resolve) => setImmediate(resolve));
    runs.get(runId(1))!.push(event(0, "workflow-started"));
    expect(await inRun).toMatchObject({ kind: "run-event", runId: runId(1), event: { place: 0 } });
    turns.push(record(1));
    expect(formatPlace((await next(items)).place)).toBe(`7-1+${runId(1)}:0`);
    expect(asked).toEqual(["0-0", "run_1:-1"]);
  });

  it("follows a run once however often it is announced, and forgets it when it is over", async () => {
    const { turns, runs, items, asked } = rig();
    turns.push({ kind: "run", runId: runId(1) }, { kind: "run", runId: runId(1) }, record(0));
    await next(items);
    runs.get(runId(1))!.push(event(3), event(4, "workflow-completed"));
    runs.get(runId(1))!.end();
    expect(formatPlace((await next(items)).place)).toBe(`7-0+${runId(1)}:3`);
    expect(formatPlace((await next(items)).place)).toBe("7-0");
    turns.push({ kind: "run", runId: runId(1) }, record(1));
    expect(formatPlace((await next(items)).place)).toBe("7-1");
    expect(asked.filter((text) => text.startsWith("run_1"))).toHaveLength(1);
  });

  it("goes on where a reader left off, also in a run that is not announced any more", async () => {
    const from = parsePlace(`7-1+${runId(2)}:5`)!;
    const { turns, runs, items, asked } = rig(from);
    turns.push(record(2));
    expect(formatPlace((await next(items)).place)).toBe(`7-2+${runId(2)}:5`);
    runs.get(runId(2))!.push(event(6, "workflow-failed"));
    expect(formatPlace((await next(items)).place)).toBe("7-2");
    expect(asked).toEqual(["7-1", "run_2:5"]);
  });

  it("follows no more runs at once than it has connections for", async () => {
    const { turns, items, asked } = rig();
    const ids = Array.from({ length: limits.runsFollowedMax + 1 }, (_run, index) => runId(index));
    turns.push(...ids.map((id) => ({ kind: "run", runId: id }) as const), record(0));
    await next(items);
    expect(asked.filter((text) => text.startsWith("run_"))).toHaveLength(limits.runsFollowedMax);
  });

  it("ends with the turns' source, and lets go of the runs", async () => {
    const { turns, runs, items } = rig();
    turns.push({ kind: "run", runId: runId(1) }, record(0));
    await next(items);
    turns.end();
    expect(await items.next()).toMatchObject({ done: true });
    expect(runs.size).toBe(1);
  });

  it("fails when a source does", async () => {
    const broken = followConversation(
      {
        turns: async function* () {
          yield record(0);
          throw new Error("the storage is gone");
        },
        run: async function* () {},
      },
      startOfConversation,
      new AbortController().signal,
    );
    await broken.next();
    await expect(broken.next()).rejects.toThrow("the storage is gone");
  });
});

describe("a place", () => {
  it.each(["0-0", "1700000000000-12", `5-1+${runId(1)}:0`, `5-1+${runId(1)}:0+${runId(2)}:999`])(
    "%s is read as it was written",
    (text) => {
      expect(formatPlace(parsePlace(text)!)).toBe(text);
    },
  );

  it.each([
    "",
    "x",
    "5-1+",
    "5-1+run_1:0",
    `5-1+${runId(1)}`,
    `5-1+${runId(1)}:-1`,
    `5-1+${runId(1)}:0:0`,
    `5-1+${runId(1)}:9999999999`,
    `5-1${`+${runId(1)}:0`.repeat(limits.runsFollowedMax + 1)}`,
  ])("%j is none", (text) => {
    expect(parsePlace(text)).toBeUndefined();
  });
});
