import { afterAll, beforeAll, beforeEach, describe, expect, it } from "vitest";
import { AppError, type ErrorCode } from "../../src/core/errors.ts";
import { limits } from "../../src/core/limits.ts";
import { Secret } from "../../src/core/secret.ts";
import { upstashClient } from "../../src/upstash/batch.ts";
import { upstashOutbox } from "../../src/upstash/outbox.ts";
import { withOutbox } from "../../src/upstash/with-outbox.ts";
import type { OutgoingMessage, Qstash } from "../../src/upstash/qstash.ts";
import { systemRandom } from "../../src/system/random.ts";
import { createVault, type Vault } from "../../src/upstash/vault.ts";
import { manualClock, silentLog } from "../fakes/clock.ts";
import { startRedisServer, type RedisServer } from "./redis-server.ts";

let redis: RedisServer;
beforeAll(async () => {
  redis = await startRedisServer();
});
beforeEach(async () => {
  await redis.command("FLUSHALL");
});
afterAll(() => redis.close());

const clock = manualClock();
const open = (vault?: Vault) => {
  const client = upstashClient({ url: redis.url, token: new Secret(redis.token), timeoutMs: 5_000, vault });
  return upstashOutbox(client, { clock, log: silentLog });
};
const message = (id: string, body = "{}") => ({ url: "https://example.com/", body, retries: 3, deduplicationId: id });

/** Takes messages, or fails as it is told, call by call. */
function queue(...failures: (ErrorCode | undefined)[]): Qstash & { readonly taken: OutgoingMessage[] } {
  const taken: OutgoingMessage[] = [];
  function take(given: OutgoingMessage): AppError | undefined {
    const code = failures.shift();
    if (code !== undefined) return new AppError(code, "told to fail");
    taken.push(given);
    return undefined;
  }
  return {
    taken,
    async publish(given) {
      const failure = take(given);
      if (failure !== undefined) throw failure;
      return { messageId: `msg_${taken.length}` };
    },
    publishAll: async (messages) => messages.map(take),
  };
}

describe("a message that QStash does not take", () => {
  it("is kept, counts as sent, and is sent as it was once QStash is back", async () => {
    const outbox = open();
    const sending = withOutbox(queue("queue_unavailable"), outbox, silentLog);
    expect(await sending.publish(message("a", '"snow ❄"'))).toEqual({ messageId: "kept-a" });
    const back = queue();
    expect(await outbox.drain(back)).toEqual({ sent: 1, dropped: 0, isBlocked: false });
    expect(back.taken).toEqual([message("a", '"snow ❄"')]);
    expect(await outbox.drain(back)).toEqual({ sent: 0, dropped: 0, isBlocked: false });
  });

  it("is kept once, however often it is given", async () => {
    const outbox = open();
    await Promise.all([outbox.keep(message("a")), outbox.keep(message("a")), outbox.keep(message("a", "other"))]);
    expect((await outbox.drain(queue())).sent).toBe(1);
  });

  it("without an id fails as it would without the outbox: nobody could tell it from another", async () => {
    const { deduplicationId: _id, ...nameless } = message("a");
    const sending = withOutbox(queue("queue_unavailable"), open(), silentLog);
    await expect(sending.publish(nameless)).rejects.toMatchObject({ code: "queue_unavailable" });
  });

  it.each(["internal", "misconfigured"] as const)("and is refused (%s) is not kept", async (code) => {
    const outbox = open();
    const sending = withOutbox(queue(code), outbox, silentLog);
    await expect(sending.publish(message("a"))).rejects.toMatchObject({ code });
    expect((await outbox.drain(queue())).sent).toBe(0);
  });
});

describe("the outbox", () => {
  it("sends the oldest first, and what is not taken with the next round", async () => {
    const outbox = open();
    for (const id of ["a", "b", "c"]) {
      await outbox.keep(message(id));
      await clock.advance(1);
    }
    const slow = queue(undefined, "queue_unavailable");
    expect(await outbox.drain(slow)).toEqual({ sent: 2, dropped: 0, isBlocked: true });
    await outbox.drain(slow);
    expect(slow.taken.map(({ deduplicationId }) => deduplicationId)).toEqual(["a", "c", "b"]);
  });

  it("keeps what a wrong token refused, and drops what QStash will never take", async () => {
    const outbox = open();
    await outbox.keep(message("a"));
    expect(await outbox.drain(queue("misconfigured"))).toMatchObject({ isBlocked: true });
    expect(await outbox.drain(queue("internal"))).toMatchObject({ dropped: 1 });
    expect(await outbox.drain(queue())).toMatchObject({ sent: 0 });
  });

  it("sends a message again, under its id, whose end in the outbox was lost", async () => {
    const outbox = open();
    await outbox.keep(message("a"));
    redis.faults.add({ server: "redis", match: "HDEL", action: "drop-before", count: 1 });
    const taking = queue();
    await expect(outbox.drain(taking)).rejects.toMatchObject({ code: "redis_unavailable" });
    await outbox.drain(taking);
    expect(taking.taken.map(({ deduplicationId }) => deduplicationId)).toEqual(["a", "a"]);
  });

  it("takes a message of the greatest size, and none above it", async () => {
    const outbox = open();
    const room = limits.outboxMessageCharsMax - JSON.stringify(message("a", "")).length;
    expect(await outbox.keep(message("a", "x".repeat(room)))).toBe(true);
    expect(await outbox.keep(message("b", "x".repeat(room + 1)))).toBe(false);
  });

  it("is full at its limit, and then messages fail as they would without it", async () => {
    const outbox = open();
    const fields = Array.from({ length: limits.outboxMessagesMax - 1 }, (_field, index) => [`m${index}`, "{}"]);
    await redis.command("HSET", "outbox", ...fields.flat());
    expect(await outbox.keep(message("last"))).toBe(true);
    const sending = withOutbox(queue("queue_unavailable"), outbox, silentLog);
    await expect(sending.publish(message("over"))).rejects.toMatchObject({ code: "queue_unavailable" });
    expect(await outbox.keep(message("last"))).toBe(true);
  });

  it("drops what it cannot read, and sends the rest", async () => {
    const outbox = open();
    await redis.command("HSET", "outbox", "garbled", "{", "strange", '{"url":5}');
    await redis.command("ZADD", "outbox:order", 1, "garbled", 2, "strange", 3, "missing");
    await outbox.keep(message("a"));
    expect(await outbox.drain(queue())).toEqual({ sent: 1, dropped: 3, isBlocked: false });
  });

  it("leaves what cannot be opened for its key to come back, behind the rest, which it sends", async () => {
    const sealing = (id: string) =>
      createVault({ keys: [{ id, key: new Secret(btoa(id.padEnd(32, "."))) }], clear: "read", random: systemRandom });
    const lost = open(sealing("lost"));
    await lost.keep(message("a"));
    const outbox = open(sealing("known"));
    await clock.advance(1);
    await outbox.keep(message("b"));
    await clock.advance(1);
    const taking = queue();
    expect(await outbox.drain(taking)).toEqual({ sent: 1, dropped: 0, isBlocked: false });
    await outbox.keep(message("c"));
    const order = await redis.command("ZRANGE", "outbox:order", 0, -1);
    expect(await order.json()).toEqual({ result: ["a", "c"] });
    expect(await outbox.drain(taking)).toMatchObject({ sent: 1 });
    expect(taking.taken.map(({ deduplicationId }) => deduplicationId)).toEqual(["b", "c"]);
    expect(await lost.drain(taking)).toMatchObject({ sent: 1 });
  });

  it("costs one command while it is empty", async () => {
    const before = redis.ledger.read().commands;
    await open().drain(queue());
    expect(redis.ledger.read().commands - before).toBe(1);
  });
});
