import { existsSync, readdirSync, readFileSync, truncateSync, writeFileSync } from "node:fs";
import path from "node:path";
import { describe, expect, it } from "vitest";
import { LOCAL_CREDENTIALS } from "../../stack/credentials.ts";
import { newFolder } from "./qstash-lives.ts";
import { startDestination, type Delivery } from "./qstash-rig.ts";
import { advance, startProcess, type StackProcess } from "./stack-process.ts";

const bodies = (deliveries: readonly Delivery[]) => deliveries.map(({ body }) => body);
const retries = (deliveries: readonly Delivery[]) => deliveries.map(({ headers }) => headers["upstash-retried"]);

async function startOn(folder: string, ...args: readonly string[]): Promise<StackProcess> {
  return startProcess("--persist", folder, ...args);
}

/** Without the SDK, which complains on stderr about each request that fails. */
function post(stack: StackProcess, url: string, body: string): Promise<Response> {
  const headers = { Authorization: `Bearer ${LOCAL_CREDENTIALS.qstashToken}` };
  return fetch(`${stack.url}/v2/publish/${url}`, { method: "POST", headers, body });
}

describe("kill -9 of the stack", () => {
  it("while messages wait: each comes at its time, none before", async () => {
    const folder = newFolder();
    const destination = await startDestination();
    const first = await startOn(folder);
    await first.qstash.publish({ url: destination.url, body: "in an hour", delay: 3_600 });
    await first.qstash.publish({ url: destination.url, body: "in two", delay: 7_200 });
    await first.kill();
    const second = await startOn(folder);
    await advance(second, 3_000_000);
    expect(bodies(destination.deliveries)).toEqual([]);
    await advance(second, 600_000);
    expect(bodies(destination.deliveries)).toEqual(["in an hour"]);
    await advance(second, 3_600_000);
    expect(bodies(destination.deliveries)).toEqual(["in an hour", "in two"]);
  });

  it("while an attempt is under way: it is made again, with the same id and count", async () => {
    const folder = newFolder();
    const destination = await startDestination();
    const arrived = Promise.withResolvers<void>();
    const again = Promise.withResolvers<void>();
    destination.answer((_, index) => {
      (index === 0 ? arrived : again).resolve();
      return index === 0 ? undefined : { status: 200 };
    });
    const first = await startOn(folder);
    await first.qstash.publish({ url: destination.url, body: "x", retries: 0 });
    await arrived.promise;
    await first.kill();
    const second = await startOn(folder);
    await again.promise;
    const [before, after] = destination.deliveries;
    expect(after?.headers["upstash-message-id"]).toBe(before?.headers["upstash-message-id"]);
    expect(retries(destination.deliveries)).toEqual(["0", "0"]);
    await expect.poll(async () => (await second.qstash.logs()).logs[0]?.state).toBe("DELIVERED");
    expect((await second.qstash.dlq.listMessages()).messages).toEqual([]);
  });

  it("while a message is being retried: the count and the wait go on, up to the dead letter", async () => {
    const folder = newFolder();
    const destination = await startDestination();
    destination.answer(() => ({ status: 500 }));
    const first = await startOn(folder);
    await first.qstash.publish({ url: destination.url, body: "x", retries: 1, retryDelay: "3600000" });
    await expect.poll(async () => (await first.qstash.logs()).logs[0]?.state).toBe("RETRY");
    await first.kill();
    const second = await startOn(folder);
    await advance(second, 3_000_000);
    expect(retries(destination.deliveries)).toEqual(["0"]);
    await advance(second, 600_000);
    expect(retries(destination.deliveries)).toEqual(["0", "1"]);
    const letters = async ({ qstash }: StackProcess) => (await qstash.dlq.listMessages()).messages;
    // An answer of QStash comes after the writing of what it tells, one of the clock need not.
    expect(await letters(second)).toMatchObject([{ body: "x", responseStatus: 500 }]);
    await second.kill();
    expect(await letters(await startOn(folder))).toMatchObject([{ body: "x", responseStatus: 500 }]);
  });

  it("schedules, deduplication and signing keys are those of before", async () => {
    const folder = newFolder();
    const destination = await startDestination();
    const first = await startOn(folder);
    const url = destination.url;
    await first.qstash.schedules.create({ destination: url, cron: "0 0 1 1 *", scheduleId: "yearly", body: "tick" });
    const once = { url, body: "once", deduplicationId: "d", delay: 60 } as const;
    const { messageId } = await first.qstash.publish(once);
    const readKeys = async (stack: StackProcess, method = "GET", where = "keys"): Promise<unknown> =>
      (await fetch(`${stack.url}/v2/${where}?qstash_token=${LOCAL_CREDENTIALS.qstashToken}`, { method })).json();
    const keys = await readKeys(first, "POST", "keys/rotate");
    await first.kill();
    const second = await startOn(folder);
    expect(await readKeys(second)).toEqual(keys);
    expect(await second.qstash.publish(once)).toEqual({ messageId, deduplicated: true });
    const { nextScheduleTime = 0 } = await second.qstash.schedules.get("yearly");
    await advance(second, nextScheduleTime - Date.now() + 1_000);
    expect(bodies(destination.deliveries)).toEqual(["once", "tick"]);
  });

  it("again and again under load: what was answered with 201 arrives", { timeout: 60_000 }, async () => {
    const folder = newFolder();
    const destination = await startDestination();
    const accepted: string[] = [];
    for (let life = 0; life < 4; life += 1) {
      const stack = await startOn(folder);
      // Not at a round number of requests: in the middle of whatever is under way.
      const goal = accepted.length + 37 + life * 29;
      const lanes = Array.from({ length: 8 }, async (_, lane) => {
        for (let number = 0; ; number += 1) {
          const body = `${life}.${lane}.${number}`;
          const answer = await post(stack, destination.url, body).catch(() => undefined);
          if (answer?.status !== 201) return;
          accepted.push(body);
          if (accepted.length === goal) await stack.kill();
        }
      });
      await Promise.all(lanes);
    }
    await startOn(folder);
    const missing = () => accepted.filter((body) => !destination.deliveries.some((delivery) => delivery.body === body));
    await expect.poll(missing, { timeout: 30_000 }).toEqual([]);
    expect(accepted.length).toBeGreaterThan(200);
  });

  it("takes from Redis at most what was written since the last snapshot", async () => {
    const folder = newFolder();
    const first = await startOn(folder);
    await first.redis("SET", "kept", "in the snapshot", "EX", 1_000);
    const snapshot = path.join(folder, "redis.snapshot");
    await expect.poll(() => existsSync(snapshot), { timeout: 10_000 }).toBe(true);
    await first.kill();
    const second = await startOn(folder);
    expect(await second.redis("GET", "kept")).toBe("in the snapshot");
    expect(Number(await second.redis("TTL", "kept"))).toBeGreaterThan(900);
  });
});

describe("kill -9 of the restaurants", () => {
  it("forgets nothing that they answered: the same key has the same answer", async () => {
    const folder = newFolder();
    const reserve = async (stack: StackProcess): Promise<unknown> => {
      const headers = { "Idempotency-Key": "run-1 reserve", "Content-Type": "application/json" };
      const wanted = {
        restaurantId: "rst_rome_1",
        guest: "Ada",
        city: "Rome",
        partySize: 2,
        at: "2027-01-01T19:00:00Z",
      };
      const answer = await fetch(`${stack.url}/restaurant/reservations`, {
        method: "POST",
        headers,
        body: JSON.stringify(wanted),
      });
      return { status: answer.status, body: await answer.json() };
    };
    const first = await startOn(folder);
    const reserved = await reserve(first);
    await first.kill();
    const second = await startOn(folder);
    expect(await reserve(second)).toEqual(reserved);
    expect(reserved).toMatchObject({ status: 201 });
    expect(await second.control("GET", "restaurant")).toMatchObject({ reservations: [expect.anything()] });
  });
});

describe("the end of the stack in good order", () => {
  it("loses nothing, Redis included", async () => {
    const folder = newFolder();
    const first = await startOn(folder);
    await first.redis("SET", "written", "just now");
    await first.redis("JSON.SET", "document", "$", '{"n":1}');
    await first.qstash.publish({ url: "http://127.0.0.1:9/", delay: 60 });
    expect(await first.interrupt()).toBe(0);
    expect(readdirSync(folder).toSorted()).toEqual(["redis.snapshot", "stack.sqlite"]);
    const second = await startOn(folder);
    expect(await second.redis("GET", "written")).toBe("just now");
    expect(await second.redis("JSON.GET", "document")).toBe('{"n":1}');
    expect((await second.qstash.logs()).logs).toHaveLength(1);
  });
});

describe("the folder of --persist", () => {
  it("belongs to one stack at a time, and the second one says so and ends", async () => {
    const folder = newFolder();
    await startOn(folder);
    await expect(startOn(folder)).rejects.toThrow("is in use by another stack");
  });

  it("is emptied by --fresh, of what is ours", async () => {
    const folder = newFolder();
    const first = await startOn(folder);
    await first.redis("SET", "k", "v");
    await first.qstash.publish({ url: "http://127.0.0.1:9/", delay: 60 });
    await first.interrupt();
    writeFileSync(path.join(folder, "notes.txt"), "mine");
    const second = await startOn(folder, "--fresh");
    expect(await second.redis("GET", "k")).toBeNull();
    expect((await second.qstash.logs()).logs).toEqual([]);
    expect(readFileSync(path.join(folder, "notes.txt"), "utf8")).toBe("mine");
  });

  it("may hold damaged files: they are set aside, said, and the stack starts", async () => {
    const folder = newFolder();
    const first = await startOn(folder);
    await first.redis("SET", "k", "v");
    await first.interrupt();
    truncateSync(path.join(folder, "redis.snapshot"), 50);
    truncateSync(path.join(folder, "stack.sqlite"), 6_000);
    const second = await startOn(folder);
    expect(await second.redis("GET", "k")).toBeNull();
    expect(second.printed()).toContain("redis.snapshot could not be restored");
    expect(second.printed()).toContain("stack.sqlite is damaged");
    expect(readdirSync(folder).filter((name) => name.includes(".broken-"))).toHaveLength(2);
  });

  it("is not made without being asked for", async () => {
    await expect(startProcess("--persist", "")).rejects.toThrow("--persist needs");
    await expect(startProcess("--fresh")).rejects.toThrow("--fresh empties");
  });
});
