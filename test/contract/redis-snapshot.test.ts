import { mkdirSync, mkdtempSync, readdirSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import path from "node:path";
import { describe, expect, it, onTestFinished, vi } from "vitest";
import { startEmbeddedValkey } from "../../stack/redis/embedded-valkey.ts";
import type { EmbeddedValkey } from "../../stack/redis/embedded-valkey.ts";
import { encodeReply } from "../../stack/redis/resp.ts";
import type { Arg, Command } from "../../stack/redis/resp.ts";
import { keepSnapshots, type SnapshotKeeper } from "../../stack/redis/snapshot-keeper.ts";
import { restoreSnapshot, takeSnapshot } from "../../stack/redis/snapshot.ts";

async function startValkey(): Promise<EmbeddedValkey> {
  const valkey = await startEmbeddedValkey();
  onTestFinished(() => valkey.close());
  return valkey;
}

/** The answer as Redis wrote it. */
function ask(valkey: EmbeddedValkey, ...command: [Arg, ...Arg[]]): string {
  const [reply = null] = valkey.exchange([command]);
  return encodeReply(reply).toString("latin1");
}

function keep(valkey: EmbeddedValkey, file: string): SnapshotKeeper {
  return keepSnapshots({ exchange: valkey.exchange, file, inTurn: async (work) => work() });
}

function newFile(): string {
  const folder = mkdtempSync(path.join(tmpdir(), "skipstone-snapshot-"));
  onTestFinished(() => rmSync(folder, { recursive: true }));
  return path.join(folder, "redis.snapshot");
}

function heardErrors(): string[] {
  const heard: string[] = [];
  const spy = vi.spyOn(console, "error").mockImplementation((text) => void heard.push(String(text)));
  onTestFinished(() => spy.mockRestore());
  return heard;
}

const bytes = Buffer.from([0, 13, 10, 255, 36, 42]);
const writes: Command[] = [
  ["SET", "text", "grüße"],
  ["SET", bytes, bytes],
  ["SET", "empty", ""],
  ["SET", "large", "x".repeat(3_000_000)],
  ["RPUSH", "list", "a", "b", bytes],
  ["SADD", "set", "1", "2", "three"],
  ["ZADD", "sorted", "1.5", "a", "-inf", "b"],
  ["HSET", "hash", "f", "v", "g", bytes],
  ["XADD", "stream", "5-1", "f", "v"],
  ["XADD", "stream", "6-1", "f", "w"],
  ["XGROUP", "CREATE", "stream", "group", "0"],
  ["XREADGROUP", "GROUP", "group", "me", "COUNT", "1", "STREAMS", "stream", ">"],
  ["PFADD", "guess", "a", "b"],
  ["SET", "{tag}:expiring", "soon", "PX", "100000"],
  ["FUNCTION", "LOAD", "#!lua name=lib\nredis.register_function('seven', function() return 7 end)"],
];
const reads: [Arg, ...Arg[]][] = [
  ["GET", "text"],
  ["GET", bytes],
  ["GET", "empty"],
  ["GET", "large"],
  ["LRANGE", "list", "0", "-1"],
  ["SMEMBERS", "set"],
  ["ZRANGE", "sorted", "0", "-1", "WITHSCORES"],
  ["HGETALL", "hash"],
  ["XRANGE", "stream", "-", "+"],
  ["XPENDING", "stream", "group"],
  ["PFCOUNT", "guess"],
  ["PEXPIRETIME", "{tag}:expiring"],
  ["TTL", "text"],
  ["FCALL", "seven", "0"],
  ["DBSIZE"],
];

describe("a snapshot of Redis", () => {
  it("brings back every type, bytes, expiries, consumer groups and functions", async () => {
    const [before, after] = [await startValkey(), await startValkey()];
    before.exchange(writes);
    restoreSnapshot(after.exchange, takeSnapshot(before.exchange));
    for (const read of reads) expect(ask(after, ...read), String(read)).toBe(ask(before, ...read));
  });

  it("brings back the expiry of a field of a hash", async () => {
    const [before, after] = [await startValkey(), await startValkey()];
    before.exchange([
      ["HSET", "hash", "f", "v", "g", "w"],
      ["HPEXPIRE", "hash", "100000", "FIELDS", "1", "f"],
    ]);
    restoreSnapshot(after.exchange, takeSnapshot(before.exchange));
    const read: [Arg, ...Arg[]] = ["HPEXPIRETIME", "hash", "FIELDS", "2", "f", "g"];
    expect(ask(after, ...read)).toBe(ask(before, ...read));
  });

  it("leaves away what has expired since, and takes more keys than fit one batch", async () => {
    const [before, after] = [await startValkey(), await startValkey()];
    before.exchange(Array.from({ length: 3_000 }, (_, index): Command => ["SET", `key-${index}`, String(index)]));
    const past = takeSnapshot((commands) => before.exchange(commands).map((reply) => (reply === -1 ? 1_000 : reply)));
    restoreSnapshot(after.exchange, past);
    expect(ask(after, "DBSIZE")).toBe(":0\r\n");
    restoreSnapshot(after.exchange, takeSnapshot(before.exchange));
    expect(ask(after, "DBSIZE")).toBe(":3000\r\n");
  });

  it("is of one moment: what others send meanwhile comes before or after all of it", async () => {
    const valkey = await startValkey();
    const wire = await valkey.dial({ bytes: () => {}, closed: () => {} });
    valkey.exchange([["MSET", "a", "0", "z", "0"]]);
    wire.write(Buffer.from("*5\r\n$4\r\nMSET\r\n$1\r\na\r\n$1\r\n1\r\n$1\r\nz\r\n$1\r\n1\r\n"));
    const snapshot = takeSnapshot(valkey.exchange);
    const other = await startValkey();
    restoreSnapshot(other.exchange, snapshot);
    expect(ask(other, "MGET", "a", "z")).toBe("*2\r\n$1\r\n1\r\n$1\r\n1\r\n");
  });
});

describe("the file of a snapshot", () => {
  it("holds what was written before the end, and the next start has it", async () => {
    const file = newFile();
    const first = await startValkey();
    const keeper = keep(first, file);
    first.exchange(writes);
    await keeper.close();
    const second = await startValkey();
    await keep(second, file).close();
    for (const read of reads) expect(ask(second, ...read), String(read)).toBe(ask(first, ...read));
  });

  it("is not written when nothing was, and leaves nothing beside it", async () => {
    const file = newFile();
    const valkey = await startValkey();
    const keeper = keep(valkey, file);
    valkey.exchange([["GET", "nothing"]]);
    await keeper.close();
    expect(readdirSync(path.dirname(file))).toEqual([]);
    const again = keep(valkey, file);
    valkey.exchange([["SET", "k", "v"]]);
    await again.close();
    await again.close();
    expect(readdirSync(path.dirname(file))).toEqual(["redis.snapshot"]);
  });

  it("is not taken while somebody is in the middle of something", async () => {
    const file = newFile();
    const valkey = await startValkey();
    const turn = Promise.withResolvers<void>();
    const { exchange } = valkey;
    const keeper = keepSnapshots({ exchange, file, inTurn: (work) => turn.promise.then(work) });
    exchange([["SET", "half", "1"]]);
    const closed = keeper.close();
    exchange([["SET", "other-half", "1"]]);
    turn.resolve();
    await closed;
    const other = await startValkey();
    restoreSnapshot(other.exchange, readFileSync(file));
    expect(ask(other, "MGET", "half", "other-half")).toBe("*2\r\n$1\r\n1\r\n$1\r\n1\r\n");
  });

  it("is brought up to date while Redis runs", { timeout: 20_000 }, async () => {
    const file = newFile();
    const valkey = await startValkey();
    const keeper = keep(valkey, file);
    onTestFinished(() => keeper.close());
    valkey.exchange([["SET", "k", "v"]]);
    await expect.poll(() => readdirSync(path.dirname(file)), { timeout: 15_000 }).toEqual(["redis.snapshot"]);
  });

  it.each<[string, (whole: Buffer) => Buffer | string]>([
    ["is empty", () => ""],
    ["is something else", () => "not a snapshot\n"],
    ["was cut in a value", (whole) => whole.subarray(0, 100)],
    ["was cut between two commands", (whole) => whole.subarray(0, whole.lastIndexOf("*2"))],
    ["has another byte in a value", (whole) => flipped(whole, whole.indexOf("secret") + 2)],
    ["has more behind its end", (whole) => Buffer.concat([whole, Buffer.from("*1\r\n$4\r\nPING\r\n")])],
  ])("is set aside and said when it %s, and Redis begins empty", async (_, spoil) => {
    const file = newFile();
    const first = await startValkey();
    const keeper = keep(first, file);
    first.exchange([
      ["SET", "a", "first of all"],
      ["SET", "k", "a secret that is short"],
    ]);
    await keeper.close();
    const spoilt = spoil(readFileSync(file));
    writeFileSync(file, spoilt);
    const heard = heardErrors();
    const second = await startValkey();
    await keep(second, file).close();
    expect(ask(second, "DBSIZE")).toBe(":0\r\n");
    expect(heard).toEqual([expect.stringMatching(/could not be restored .*broken-\d+/)]);
    const [aside = ""] = readdirSync(path.dirname(file));
    expect(readFileSync(path.join(path.dirname(file), aside))).toEqual(Buffer.from(spoilt));
  });

  it("stays as it was when the next one cannot be written, which is said", async () => {
    const file = newFile();
    const valkey = await startValkey();
    const write = async (value: string) => {
      const keeper = keep(valkey, file);
      valkey.exchange([["SET", "k", value]]);
      await keeper.close();
    };
    await write("one");
    const known = readFileSync(file);
    mkdirSync(`${file}.new`);
    const heard = heardErrors();
    await write("two");
    expect(heard).toEqual([expect.stringContaining("could not be saved")]);
    expect(readFileSync(file)).toEqual(known);
  });
});

function flipped(whole: Buffer, index: number): Buffer {
  const copy = Buffer.from(whole);
  copy[index] = (copy[index] ?? 0) ^ 1;
  return copy;
}
