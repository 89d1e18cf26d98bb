import { afterAll, beforeAll, describe, expect, it } from "vitest";
import { Secret } from "../../src/core/secret.ts";
import { formatRecord } from "../../src/event/log-record.ts";
import type { Closing, ConversationRef, EventFeed, EventLog, Tenure } from "../../src/event/event-log.ts";
import { userMessage } from "../../src/memory/message.ts";
import { upstashClient, type RedisClient } from "../../src/upstash/batch.ts";
import { upstashConversationStore } from "../../src/upstash/conversation-store.ts";
import { upstashEventFeed } from "../../src/upstash/event-feed.ts";
import { upstashDueTurns } from "../../src/upstash/due-registry.ts";
import { upstashEventLog } from "../../src/upstash/event-log.ts";
import { startStack, type RunningStack } from "../../stack/start-stack.ts";
import { manualClock } from "../fakes/clock.ts";
import { memoryEventLog } from "../fakes/memory-event-log.ts";

let stack: RunningStack;
let redis: RedisClient;
beforeAll(async () => {
  stack = await startStack();
  redis = upstashClient({ url: stack.redisUrl, token: new Secret(stack.redisToken), timeoutMs: 5_000 });
});
afterAll(() => stack.close());

let users = 0;
const freshRef = (): ConversationRef => ({ userId: `usr_${(users += 1)}`, conversationId: "c" });
const opening = (runId: string) =>
  ({ type: "workflow-started", runId, messageId: "msg", userMessage: { id: "u", text: "hi" }, at: 1 }) as const;
const stopped = (runId: string) => ({ type: "workflow-stopped", runId }) as const;

async function openTurn(log: EventLog, ref: ConversationRef, runId = "run_1"): Promise<Tenure> {
  const answer = await log.open(ref, opening(runId));
  if (answer.kind !== "opened") throw new Error("expected the turn to open");
  return answer.tenure;
}

function delta(tenure: Tenure, seq: number, text: string): string {
  return formatRecord({ generation: tenure.generation, seq }, "-", 1, JSON.stringify({ type: "message-delta", text }));
}

function ended(tenure: Tenure, seq: number): string {
  const event = { type: "workflow-completed", runId: "run_1", finishReason: "stop" };
  return formatRecord({ generation: tenure.generation, seq }, "e", 1, JSON.stringify(event));
}

/** The same cases for the fake that unit tests trust and for the adapter that production uses. */
const logs: [string, () => { log: EventLog; feed: EventFeed; expire: (ref: ConversationRef) => Promise<unknown> }][] = [
  [
    "memory",
    () => {
      const clock = manualClock();
      const log = memoryEventLog(clock);
      return {
        log,
        feed: log,
        expire: async (ref) => {
          log.forget(ref);
          await clock.advance(86_400_000);
        },
      };
    },
  ],
  [
    "upstash",
    () => {
      const clock = manualClock();
      const log = upstashEventLog(redis, clock);
      const feed = upstashEventFeed({
        url: stack.redisUrl,
        token: new Secret(stack.redisToken),
        fetch: (url, init) => fetch(url, init),
      });
      return {
        log,
        feed,
        expire: async (ref) => {
          await redis.command(["PEXPIRE", `events:{${ref.userId}}:${ref.conversationId}`, 0], Number);
          await clock.advance(86_400_000);
        },
      };
    },
  ],
];

describe.each(logs)("the event log (%s)", (_name, make) => {
  it("opens one of two turns that come at once", async () => {
    const { log } = make();
    const ref = freshRef();
    const answers = await Promise.all([log.open(ref, opening("run_a")), log.open(ref, opening("run_b"))]);
    expect(answers.map((answer) => answer.kind).toSorted()).toEqual(["opened", "running"]);
    expect(await log.read(ref)).toHaveLength(1);
  });

  it("answers a repeated opening with the same tenure", async () => {
    const { log } = make();
    const ref = freshRef();
    expect(await openTurn(log, ref)).toEqual(await openTurn(log, ref));
    expect(await log.read(ref)).toHaveLength(1);
  });

  it("opens the next turn behind an ending, in a greater generation", async () => {
    const { log } = make();
    const ref = freshRef();
    const first = await openTurn(log, ref);
    await log.flush(ref, [ended(first, 1)], [ended(first, 1)], 2);
    const second = await openTurn(log, ref, "run_2");
    expect(second.generation).toBeGreaterThan(first.generation);
  });

  it("goes on with greater ids after the list has expired", async () => {
    const { log, expire } = make();
    const ref = freshRef();
    const first = await openTurn(log, ref);
    await log.flush(ref, [ended(first, 1)], [ended(first, 1)], 2);
    await expire(ref);
    expect(await log.read(ref)).toEqual([]);
    expect((await openTurn(log, ref, "run_2")).generation).toBeGreaterThan(first.generation);
  });

  it("gives a turn to one of two that take it over at once", async () => {
    const { log } = make();
    const ref = freshRef();
    const tenure = await openTurn(log, ref);
    const at = { generation: tenure.generation, seq: 0 };
    const resumed = (attemptId: string) =>
      ({ type: "workflow-resumed", attemptId, runId: "run_1", messageId: "msg", at: 1 }) as const;
    const answers = await Promise.all([log.supersede(ref, at, resumed("a")), log.supersede(ref, at, resumed("b"))]);
    expect(answers.map((answer) => answer.kind).toSorted()).toEqual(["moved", "superseded"]);
  });

  it("tells a superseded writer so, and hides what it wrote", async () => {
    const { log } = make();
    const ref = freshRef();
    const tenure = await openTurn(log, ref);
    await log.supersede(ref, { generation: tenure.generation, seq: 0 }, stopped("run_1"));
    const late = [delta(tenure, 1, "late")];
    expect(await log.flush(ref, late, late, 2)).toEqual({ kind: "superseded" });
    expect((await log.read(ref)).map((record) => record.event.type)).toEqual(["workflow-started", "workflow-stopped"]);
    expect((await log.open(ref, opening("run_2"))).kind).toBe("opened");
  });

  it("counts a flush once that was sent twice", async () => {
    const { log } = make();
    const ref = freshRef();
    const tenure = await openTurn(log, ref);
    const records = [delta(tenure, 1, "a"), delta(tenure, 2, "b")];
    expect((await log.flush(ref, records, records, 3)).kind).toBe("flushed");
    expect((await log.flush(ref, records, records, 3)).kind).toBe("flushed");
    expect(await log.read(ref)).toHaveLength(3);
  });

  it("publishes what is flushed, in order, to a reader that subscribed before", async () => {
    const { log, feed } = make();
    const ref = freshRef();
    const tenure = await openTurn(log, ref);
    const aborter = new AbortController();
    const live = (await feed.subscribe(ref, aborter.signal))[Symbol.asyncIterator]();
    const first = [delta(tenure, 1, 'with "quotes",\ncommas and a line break')];
    const second = [delta(tenure, 2, "b"), delta(tenure, 3, "c")];
    await log.flush(ref, first, first, 2);
    await log.flush(ref, second, second, 4);
    expect((await live.next()).value).toEqual(first);
    expect((await live.next()).value).toEqual(second);
    aborter.abort();
    expect((await live.next()).done).toBe(true);
  });
});

describe("the upstash event log", () => {
  const closing = (over: Partial<Closing> = {}): Closing => ({
    messages: [JSON.stringify(userMessage("u", "hi", 1))],
    isFirst: true,
    isEventListNew: true,
    messageCount: 0,
    title: "hi",
    ...over,
  });

  it("sets an expiry on everything that a first turn writes, once the sweep has seen that it is over", async () => {
    const ref = freshRef();
    const log = upstashEventLog(redis, manualClock(Date.now()));
    const tenure = await openTurn(log, ref);
    await log.flush(ref, [ended(tenure, 1)], [ended(tenure, 1)], 2, closing());
    const due = upstashDueTurns(redis);
    expect(await due.overdue(Number.MAX_SAFE_INTEGER, 1_000)).toContainEqual(ref);
    await due.retire([ref]);
    expect(await due.overdue(Number.MAX_SAFE_INTEGER, 1_000)).not.toContainEqual(ref);
    const ttl = (key: string): Promise<number> => redis.command(["TTL", key], Number);
    expect(await ttl(`events:{${ref.userId}}:c`)).toBeGreaterThan(86_000);
    expect(await ttl(`memory:conversations:{${ref.userId}}:c`)).toBeGreaterThan(2_500_000);
  });

  it("brings nothing back that was removed while a turn ran", async () => {
    const ref = freshRef();
    const clock = manualClock(Date.now());
    const log = upstashEventLog(redis, clock);
    const store = upstashConversationStore(redis, clock);
    const tenure = await openTurn(log, ref);
    expect(await store.remove(ref)).toBe(true);
    expect(await log.flush(ref, [ended(tenure, 1)], [ended(tenure, 1)], 2, closing())).toEqual({ kind: "superseded" });
    expect(
      await redis.command(["EXISTS", `events:{${ref.userId}}:c`, `memory:conversations:{${ref.userId}}:c`], Number),
    ).toBe(0);
    expect(await store.list(ref.userId)).toEqual([]);
  });

  it("keeps the newest hundred messages and a thousand events", async () => {
    const ref = freshRef();
    const log = upstashEventLog(redis, manualClock());
    const tenure = await openTurn(log, ref);
    const many = Array.from({ length: 1_100 }, (_, index) => delta(tenure, index + 1, "x"));
    await log.flush(ref, many, [], 1_101);
    const messages = Array.from({ length: 130 }, (_, index) => JSON.stringify(userMessage(`m${index}`, "x", index)));
    const now = manualClock().now();
    await log.flush(
      ref,
      [ended(tenure, 1_101)],
      [],
      1_102,
      closing({ messages, isFirst: true, messageCount: 100, previousAt: now }),
    );
    const store = upstashConversationStore(redis, manualClock());
    expect((await store.memory(ref)).messages.map((message) => message.id).slice(0, 1)).toEqual(["m30"]);
    expect(await log.read(ref)).toHaveLength(1_000);
  });
});
