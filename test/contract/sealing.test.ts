/** What the Redis client seals on its way out and opens on its way back, over the local stack. */
import { afterAll, beforeAll, describe, expect, it } from "vitest";
import { Secret } from "../../src/core/secret.ts";
import { systemRandom } from "../../src/system/random.ts";
import { upstashClient, type RedisArgument, type RedisClient } from "../../src/upstash/batch.ts";
import type { Schedule } from "../../src/schedule/schedule.ts";
import {
  agentsKey,
  eventsKey,
  executionTextsKey,
  journalKey,
  schedulesKey,
  sessionKey,
  toolBreakerKey,
  toolLedgerKey,
} from "../../src/upstash/keys.ts";
import { readNothing } from "../../src/upstash/reply.ts";
import { upstashScheduleStore } from "../../src/upstash/schedule-store.ts";
import { defineScript } from "../../src/upstash/script.ts";
import { upstashToolLedger } from "../../src/upstash/tool-ledger.ts";
import { createVault } from "../../src/upstash/vault.ts";
import { startStack, type RunningStack } from "../../stack/start-stack.ts";
import { redisCommand } from "../support/run-client.ts";

let stack: RunningStack;
let redis: RedisClient;
const key = { id: "k", key: new Secret(btoa("0123456789abcdef0123456789abcdef")) };
beforeAll(async () => {
  stack = await startStack();
  const vault = createVault({ keys: [key], clear: "read", random: systemRandom });
  redis = upstashClient({ url: stack.redisUrl, token: new Secret(stack.redisToken), timeoutMs: 5_000, vault });
});
afterAll(() => stack.close());

const userId = "usr_1";
const raw = (...command: RedisArgument[]): Promise<unknown> => redisCommand(stack, command);
const send = (...command: RedisArgument[]): Promise<unknown> => redis.command(command, (reply) => reply);

describe("a command that carries texts", () => {
  it("leaves strings, lists and hashes sealed, and reads them as they were", async () => {
    const [text, list, hash] = [sessionKey(userId, "a"), "memory:conversations:{usr_1}:c", agentsKey(userId)];
    await send("SET", text, "plain", "EX", 60);
    await send("RPUSH", list, "plain", "plain two");
    await send("HSET", hash, "one", "plain", "two", "plain two");
    await send("HSETNX", hash, "three", "plain three");
    for (const stored of [await raw("GET", text), await raw("LRANGE", list, 0, -1), await raw("HVALS", hash)]) {
      expect(JSON.stringify(stored)).not.toContain("plain");
    }
    expect(await send("GET", text)).toBe("plain");
    expect(await send("GETEX", text, "EX", 60)).toBe("plain");
    expect(await send("MGET", text, "missing", text)).toEqual(["plain", null, "plain"]);
    expect(await send("LRANGE", list, 0, -1)).toEqual(["plain", "plain two"]);
    expect(await send("LINDEX", list, 1)).toBe("plain two");
    expect(await send("LPOP", list)).toBe("plain");
    expect(await send("HGET", hash, "one")).toBe("plain");
    expect(await send("HMGET", hash, "two", "none", "three")).toEqual(["plain two", null, "plain three"]);
    expect(await send("HGETALL", hash)).toEqual(["one", "plain", "two", "plain two", "three", "plain three"]);
    expect(await send("GETDEL", text)).toBe("plain");
  });

  it("leaves numbers, expiries, and the first words of an entry in clear", async () => {
    await send("HSET", "conversations:{usr_1}", "c:at", 1_800_000_000_000, "c:title", "plain");
    expect(await raw("HGET", "conversations:{usr_1}", "c:at")).toBe("1800000000000");
    expect(await send("HGET", "conversations:{usr_1}", "c:at")).toBe("1800000000000");
    for (const list of [eventsKey(userId, "c"), journalKey(userId, "run_1")]) {
      await send("RPUSH", list, '5 0 o 1 {"text":"plain"}');
      expect(await raw("LRANGE", list, 0, -1)).toEqual([expect.stringMatching(/^5 0 o 1 ~1\.k\.\S+$/)]);
      expect(await send("LRANGE", list, 0, -1)).toEqual(['5 0 o 1 {"text":"plain"}']);
    }
  });

  it("that reads a field or key to which a sealed text was moved is refused by itself", async () => {
    const hash = agentsKey("usr_2");
    await send("HSET", hash, "one", "plain", "two", "plain two");
    await raw("HSET", hash, "two", String(await raw("HGET", hash, "one")));
    await expect(send("HGETALL", hash)).rejects.toMatchObject({ code: "sealed_unreadable" });
    expect(await send("HGET", hash, "one")).toBe("plain");
  });

  it("that is no way to read texts fails rather than hand out a sealed one", async () => {
    const hash = agentsKey("usr_3");
    await send("HSET", hash, "one", "plain");
    await expect(send("HVALS", hash)).rejects.toMatchObject({ code: "internal" });
  });
});

describe("a script", () => {
  it("sees its texts sealed, bound to their key and field, also when Redis did not know it", async () => {
    const script = defineScript(
      `#!lua flags=allow-key-locking
-- ${crypto.randomUUID()}
return redis.call("HSET", KEYS[1], ARGV[1], ARGV[2])
`,
      { calls: () => 1, sealed: [{ first: 1, key: 0, field: 0 }] },
    );
    for (const field of ["first", "second"]) {
      await redis.run(
        (batch) => void script.evalsha(batch, [agentsKey("usr_4")], [field, `plain ${field}`], readNothing),
      );
    }
    expect(JSON.stringify(await raw("HVALS", agentsKey("usr_4")))).not.toContain("plain");
    expect(await send("HGET", agentsKey("usr_4"), "second")).toBe("plain second");
    expect(await send("HGET", agentsKey("usr_4"), "first")).toBe("plain first");
  });
});

describe("a client that refuses texts in clear", () => {
  const strict = (): RedisClient => {
    const vault = createVault({ keys: [key], clear: "refuse", random: systemRandom });
    return upstashClient({ url: stack.redisUrl, token: new Secret(stack.redisToken), timeoutMs: 5_000, vault });
  };
  const unreadable = { code: "sealed_unreadable" };

  it.each(['{"kind":"ok","output":"planted"}', ' {"kind":"ok","output":"planted"}', "~0.{}", "7", "[]"])(
    "takes no answer of a tool that was put into the ledger: %s",
    async (planted) => {
      const ledger = upstashToolLedger(strict());
      const ref = { userId, key: crypto.randomUUID() };
      await raw("SET", toolLedgerKey(userId, ref.key), planted);
      await expect(ledger.claim(ref, "holder", 1_000)).rejects.toMatchObject(unreadable);
      await expect(ledger.settle(ref, { kind: "ok", output: 1 })).rejects.toMatchObject(unreadable);
    },
  );

  it("goes on with the ledger's own words and with what it sealed itself", async () => {
    const ledger = upstashToolLedger(strict());
    const ref = { userId, key: crypto.randomUUID() };
    expect(await ledger.claim(ref, "one", 60_000)).toEqual({ kind: "claimed" });
    expect(await ledger.claim(ref, "one", 60_000)).toEqual({ kind: "claimed" });
    expect(await ledger.claim(ref, "two", 60_000)).toMatchObject({ kind: "held" });
    const result = { kind: "ok", output: { text: "said" } } as const;
    expect(await ledger.settle(ref, result)).toEqual(result);
    expect(await ledger.claim(ref, "two", 60_000)).toEqual({ kind: "answered", result });
  });

  it("takes no schedule that was put in the place of a new one", async () => {
    const schedule = { scheduleId: "sch_1", userId } as unknown as Schedule;
    await raw("HSET", schedulesKey(userId), "sch_1", JSON.stringify({ scheduleId: "sch_1" }));
    await expect(upstashScheduleStore(strict()).create(userId, schedule)).rejects.toMatchObject(unreadable);
  });

  it("takes a number where numbers stand, and nowhere else", async () => {
    const own = strict();
    const ask = (...command: RedisArgument[]) => own.command(command, (reply) => reply);
    const [index, agents, answers] = ["conversations:{usr_9}", agentsKey("usr_9"), executionTextsKey("usr_9", "exe_1")];
    await raw("HSET", index, "c:at", 5, "c:title", 5);
    await raw("HSET", agents, "a", 5, "a#", 5);
    await raw("HSET", answers, "output", 5);
    await raw("SET", sessionKey("usr_9", "s"), 5);
    await raw("SET", journalKey("usr_9", "run_1"), 5);
    expect(await ask("HGET", index, "c:at")).toBe("5");
    expect(await ask("GET", journalKey("usr_9", "run_1"))).toBe("5");
    expect(await ask("HGET", agents, "a#")).toBe("5");
    expect(await ask("HMGET", toolBreakerKey("weather"), "failures")).toEqual([null]);
    await raw("HSET", toolBreakerKey("mcp:agt_1:notes", "usr_9"), "failures", 5);
    expect(await ask("HMGET", toolBreakerKey("mcp:agt_1:notes", "usr_9"), "failures")).toEqual(["5"]);
    for (const command of [
      ["HMGET", index, "c:at", "c:title"],
      ["HGET", agents, "a"],
      ["HGETALL", answers],
      ["GET", sessionKey("usr_9", "s")],
    ]) {
      await expect(ask(...command), command.join(" ")).rejects.toMatchObject(unreadable);
    }
  });
});
