/** One suite for the ledger of tools in Redis and its fake. */
import { afterAll, beforeAll, describe, expect, it } from "vitest";
import { limits } from "../../src/core/limits.ts";
import { Secret } from "../../src/core/secret.ts";
import type { LedgerRef, ToolLedger } from "../../src/tool/tool-ledger.ts";
import type { ToolResult } from "../../src/tool/tool.ts";
import { upstashClient, type RedisClient } from "../../src/upstash/batch.ts";
import { toolLedgerKey } from "../../src/upstash/keys.ts";
import { upstashToolLedger } from "../../src/upstash/tool-ledger.ts";
import { startStack, type RunningStack } from "../../stack/start-stack.ts";
import { manualClock } from "../fakes/clock.ts";
import { memoryToolLedger } from "../fakes/memory-tool-ledger.ts";

let stack: RunningStack;
let redis: RedisClient;
/** Commands by our own count. */
let counted = 0;
beforeAll(async () => {
  stack = await startStack();
  redis = upstashClient({
    url: stack.redisUrl,
    token: new Secret(stack.redisToken),
    timeoutMs: 5_000,
    onRoundTrip: (commands) => void (counted += commands),
    onScriptCalls: (calls) => void (counted += calls),
  });
});
afterAll(() => stack.close());

const freshRef = (): LedgerRef => ({ userId: `usr_${crypto.randomUUID().replaceAll("-", "")}`, key: "tool_key" });
const done: ToolResult = { kind: "ok", output: { text: '雪 \u0000 "quoted"', list: [1, null] } };
const leaseMs = 60_000;

interface Subject {
  readonly ledger: ToolLedger;
  /** Ends the time of what is kept under a key. */
  expire(ref: LedgerRef): Promise<unknown>;
}

const subjects: [string, () => Subject][] = [
  [
    "in Redis",
    () => ({
      ledger: upstashToolLedger(redis),
      expire: ({ userId, key }) => redis.command(["PEXPIRE", toolLedgerKey(userId, key), 0], Number),
    }),
  ],
  [
    "in memory",
    () => {
      const clock = manualClock();
      return { ledger: memoryToolLedger(clock), expire: () => clock.advance(limits.toolLedgerTtlSeconds * 1000) };
    },
  ],
];

describe.each(subjects)("a tool ledger %s", (_name, open) => {
  it("gives a key to one of two that claim it at once, and tells the other for how long", async () => {
    const { ledger } = open();
    const ref = freshRef();
    const answers = await Promise.all([ledger.claim(ref, "a", leaseMs), ledger.claim(ref, "b", leaseMs)]);
    expect(answers.map(({ kind }) => kind).toSorted()).toEqual(["claimed", "held"]);
    const held = answers.find((answer) => answer.kind === "held");
    expect(held?.forMs).toBeGreaterThan(0);
    expect(held?.forMs).toBeLessThanOrEqual(leaseMs);
  });

  it("gives it to the same holder again, whose answer was lost", async () => {
    const { ledger } = open();
    const ref = freshRef();
    await ledger.claim(ref, "a", leaseMs);
    expect(await ledger.claim(ref, "a", leaseMs)).toEqual({ kind: "claimed" });
  });

  it("answers with what was settled, as JSON holds it", async () => {
    const { ledger } = open();
    const ref = freshRef();
    await ledger.claim(ref, "a", leaseMs);
    expect(await ledger.settle(ref, done)).toEqual(done);
    expect(await ledger.claim(ref, "b", leaseMs)).toEqual({ kind: "answered", result: done });
  });

  it("keeps refusals with their code", async () => {
    const { ledger } = open();
    const ref = freshRef();
    const refused: ToolResult = { kind: "failed", code: "failed", errorText: "The table is taken." };
    await ledger.settle(ref, refused);
    expect(await ledger.claim(ref, "b", leaseMs)).toEqual({ kind: "answered", result: refused });
  });

  it("keeps the first of two answers, and tells it to the second", async () => {
    const { ledger } = open();
    const ref = freshRef();
    await ledger.settle(ref, done);
    expect(await ledger.settle(ref, { kind: "ok", output: "later" })).toEqual(done);
  });

  it("takes an answer after the lease, also while another holds the key", async () => {
    const { ledger, expire } = open();
    const ref = freshRef();
    await ledger.claim(ref, "a", leaseMs);
    await expire(ref);
    expect(await ledger.claim(ref, "b", leaseMs)).toEqual({ kind: "claimed" });
    expect(await ledger.settle(ref, done)).toEqual(done);
    expect(await ledger.settle(ref, { kind: "ok", output: "of b" })).toEqual(done);
  });

  it("is free again after a release by its holder, and by nobody else", async () => {
    const { ledger } = open();
    const ref = freshRef();
    await ledger.claim(ref, "a", leaseMs);
    await ledger.release(ref, "b");
    expect(await ledger.claim(ref, "c", leaseMs)).toMatchObject({ kind: "held" });
    await ledger.release(ref, "a");
    expect(await ledger.claim(ref, "c", leaseMs)).toEqual({ kind: "claimed" });
  });

  it("loses no answer to a release that comes late", async () => {
    const { ledger } = open();
    const ref = freshRef();
    await ledger.claim(ref, "a", leaseMs);
    await ledger.settle(ref, done);
    await ledger.release(ref, "a");
    expect(await ledger.claim(ref, "b", leaseMs)).toEqual({ kind: "answered", result: done });
  });

  it("keeps users and keys apart", async () => {
    const { ledger } = open();
    const ref = freshRef();
    await ledger.settle(ref, done);
    expect(await ledger.claim(freshRef(), "a", leaseMs)).toEqual({ kind: "claimed" });
    expect(await ledger.claim({ ...ref, key: "tool_other" }, "a", leaseMs)).toEqual({ kind: "claimed" });
  });
});

describe("the ledger in Redis", () => {
  it("costs what it says and counts, and everything in it has an expiry", async () => {
    const ledger = upstashToolLedger(redis);
    const ref = freshRef();
    const ttlMs = () => redis.command(["PTTL", toolLedgerKey(ref.userId, ref.key)], Number);
    // The first run of each script sends its text.
    await ledger.claim(freshRef(), "a", leaseMs);
    await ledger.settle(freshRef(), done);
    await ledger.release(freshRef(), "a");

    expect(await billed(() => ledger.claim(ref, "a", leaseMs))).toEqual({ commands: 3, roundTrips: 1 });
    expect(await ttlMs()).toBeGreaterThan(leaseMs - 5_000);
    expect(await billed(() => ledger.claim(ref, "b", leaseMs))).toEqual({ commands: 3, roundTrips: 1 });
    expect(await billed(() => ledger.settle(ref, done))).toEqual({ commands: 3, roundTrips: 1 });
    expect(await ttlMs()).toBeGreaterThan(limits.toolLedgerTtlSeconds * 1000 - 5_000);
    expect(await billed(() => ledger.settle(ref, done))).toEqual({ commands: 2, roundTrips: 1 });
    expect(await billed(() => ledger.claim(ref, "b", leaseMs))).toEqual({ commands: 2, roundTrips: 1 });
    expect(await billed(() => ledger.release(ref, "b"))).toEqual({ commands: 2, roundTrips: 1 });
  });

  it("refuses an entry that it cannot read, rather than act again", async () => {
    const ref = freshRef();
    await redis.command(["SET", toolLedgerKey(ref.userId, ref.key), '{"kind":"later version"}'], String);
    await expect(upstashToolLedger(redis).claim(ref, "a", leaseMs)).rejects.toMatchObject({ code: "internal" });
  });
});

async function billed(call: () => Promise<unknown>) {
  stack.ledger.reset();
  counted = 0;
  await call();
  const { commands, roundTrips } = stack.ledger.read();
  expect(counted).toBe(commands);
  return { commands, roundTrips };
}
