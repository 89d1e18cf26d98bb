/** The Redis client against the local stack: batches, transactions, scripts, and what a broken connection means. */
import { afterAll, afterEach, beforeAll, describe, expect, it } from "vitest";
import { AppError } from "../../src/core/errors.ts";
import { Secret } from "../../src/core/secret.ts";
import { upstashClient, type RedisClient } from "../../src/upstash/batch.ts";
import { readInteger, readNothing, readText, readTexts } from "../../src/upstash/reply.ts";
import { defineScript } from "../../src/upstash/script.ts";
import { startStack, type RunningStack } from "../../stack/start-stack.ts";

let stack: RunningStack;
let redis: RedisClient;

beforeAll(async () => {
  stack = await startStack();
  redis = client();
});
afterEach(() => {
  stack.faults.clear();
});
afterAll(async () => {
  await stack.close();
});

function client(o: { token?: string; timeoutMs?: number } = {}): RedisClient {
  return upstashClient({
    url: stack.redisUrl,
    token: new Secret(o.token ?? stack.redisToken),
    timeoutMs: o.timeoutMs ?? 5_000,
  });
}

function freshKey(): string {
  return `test:${crypto.randomUUID()}`;
}

async function failureOf(promise: Promise<unknown>): Promise<AppError> {
  const thrown = await promise.then(
    () => undefined,
    (error: unknown) => error,
  );
  expect(thrown).toBeInstanceOf(AppError);
  return thrown as AppError;
}

describe("a batch", () => {
  it("travels in one round trip and settles each command with its reply in order", async () => {
    const key = freshKey();
    stack.ledger.reset();
    let length: Promise<number> | undefined;
    let items: Promise<string[]> | undefined;
    let missing: Promise<string | undefined> | undefined;
    await redis.run((batch) => {
      length = batch.add(["RPUSH", key, "a", "ß 雪"], readInteger);
      items = batch.add(["LRANGE", key, 0, -1], readTexts);
      missing = batch.add(["GET", freshKey()], readText);
    });
    expect([await length, await items, await missing]).toEqual([2, ["a", "ß 雪"], undefined]);
    expect(stack.ledger.read().roundTrips).toBe(1);
  });

  it("sends nothing when it is empty", async () => {
    stack.ledger.reset();
    await redis.run(() => {});
    expect(stack.ledger.read().roundTrips).toBe(0);
  });

  it("rejects a command that Redis refuses and no other", async () => {
    const key = freshKey();
    let wrong: Promise<number> | undefined;
    let right: Promise<string | undefined> | undefined;
    await redis.run((batch) => {
      void batch.add(["SET", key, "text of a user"], readNothing);
      wrong = batch.add(["RPUSH", key, "x"], readInteger);
      right = batch.add(["GET", key], readText);
    });
    expect(await right).toBe("text of a user");
    const failure = await failureOf(wrong!);
    expect(failure.code).toBe("internal");
    expect(failure.message).toContain("WRONGTYPE");
    expect(failure.message).not.toContain("text of a user");
  });

  it("rejects a command whose reply is not what its reader expects", async () => {
    expect((await failureOf(redis.command(["PING"], readInteger))).code).toBe("internal");
  });

  it("keeps texts that look like JSON or numbers as they are", async () => {
    const key = freshKey();
    await redis.command(["SET", key, '{"a":1.0}'], readNothing);
    expect(await redis.command(["GET", key], readText)).toBe('{"a":1.0}');
    await redis.command(["SET", key, "007"], readNothing);
    expect(await redis.command(["GET", key], readText)).toBe("007");
  });
});

describe("a transaction", () => {
  it("travels in one round trip and settles each command", async () => {
    const key = freshKey();
    stack.ledger.reset();
    let first: Promise<number> | undefined;
    let second: Promise<number> | undefined;
    await redis.atomic((batch) => {
      first = batch.add(["INCR", key], readInteger);
      second = batch.add(["INCR", key], readInteger);
    });
    expect([await first, await second]).toEqual([1, 2]);
    expect(stack.ledger.read().roundTrips).toBe(1);
  });

  it("runs a script that Redis has never seen inside of it", async () => {
    const key = freshKey();
    const script = defineScript(`#!lua flags=allow-key-locking\n-- ${key}\nreturn redis.call("INCR", KEYS[1])`, {
      calls: () => 1,
    });
    let value: Promise<number> | undefined;
    await redis.atomic((batch) => void (value = script.evalsha(batch, [key], [], readInteger)));
    expect(await value).toBe(1);
  });
});

describe("a script", () => {
  it("costs a second trip the first time and none after that, and runs once each time", async () => {
    const key = freshKey();
    const text = `#!lua flags=allow-key-locking\n-- ${key}\nreturn redis.call("INCRBY", KEYS[1], ARGV[1])`;
    const script = defineScript(text, { calls: () => 1 });
    async function run(): Promise<{ value: number; roundTrips: number }> {
      stack.ledger.reset();
      let value: Promise<number> | undefined;
      await redis.run((batch) => {
        void batch.add(["PING"], readNothing);
        value = script.evalsha(batch, [key], [5], readInteger);
      });
      return { value: (await value)!, roundTrips: stack.ledger.read().roundTrips };
    }
    expect(await run()).toEqual({ value: 5, roundTrips: 2 });
    expect(await run()).toEqual({ value: 10, roundTrips: 1 });
  });
});

describe("a trip that fails", () => {
  it.each([
    ["is dropped before its effect", { action: "drop-before" as const }],
    ["is dropped after its effect", { action: "drop-after" as const }],
    ["is answered with 503", { action: "status" as const, status: 503 }],
    ["is answered with half a body", { action: "truncate" as const, truncateBytes: 5 }],
  ])("is redis_unavailable for the batch and each command when it %s", async (_name, fault) => {
    stack.faults.add({ server: "redis", match: "INCR", count: 1, ...fault });
    const key = freshKey();
    let value: Promise<number> | undefined;
    const trip = await failureOf(redis.run((batch) => void (value = batch.add(["INCR", key], readInteger))));
    expect(trip.code).toBe("redis_unavailable");
    expect(trip.retryAfterMs).toBeGreaterThan(0);
    expect(await failureOf(value!)).toBe(trip);
  });

  it("is sent once", async () => {
    const key = freshKey();
    stack.faults.add({ server: "redis", match: "INCR", action: "drop-after", count: 1 });
    await failureOf(redis.command(["INCR", key], readInteger));
    expect(await redis.command(["GET", key], readText)).toBe("1");
  });

  it("is redis_unavailable, not an empty reply, when time runs out", async () => {
    stack.faults.add({ server: "redis", match: "GET", action: "delay", delayMs: 60_000, count: 1 });
    const failure = await failureOf(client({ timeoutMs: 50 }).command(["GET", freshKey()], readText));
    expect(failure.code).toBe("redis_unavailable");
  });

  it("is misconfigured when the token is refused, and prints neither token nor command", async () => {
    const failure = await failureOf(client({ token: "wrong-token" }).command(["GET", "private"], readText));
    expect(failure.code).toBe("misconfigured");
    expect(`${failure.message} ${JSON.stringify(failure.cause)}`).not.toMatch(/wrong-token|private/);
  });
});
