import { describe, expect, it, onTestFinished, vi } from "vitest";
import { memoryStorage } from "../../stack/storage/collection.ts";
import { advanceTo, holdOne, newFolder, startLives, startOn, takeDeliveries } from "./qstash-lives.ts";
import { at, startQstash, type Delivery, type QstashRig } from "./qstash-rig.ts";

const bodies = (deliveries: readonly Delivery[]) => deliveries.map(({ body }) => body);
const retries = (deliveries: readonly Delivery[]) => deliveries.map(({ headers }) => headers["upstash-retried"]);
const ids = (deliveries: readonly Delivery[]) => deliveries.map(({ headers }) => headers["upstash-message-id"]);

describe("flow control after a kill", () => {
  it("goes on with the period that had begun, the pins and the pauses", async () => {
    const { before, restart } = await startLives();
    const { destination, client } = before;
    const flowControl = { key: "k", rate: 2, period: "1m" } as const;
    for (const body of ["a", "b", "c", "d"]) await client.publish({ url: destination.url, body, flowControl });
    await before.idle();
    await client.flowControl.pin("pinned", { parallelism: 7 });
    await client.flowControl.pause("paused");
    expect(bodies(takeDeliveries(before))).toEqual(["a", "b"]);
    const after = await restart();
    await after.idle();
    expect(destination.deliveries).toEqual([]);
    expect(await after.client.flowControl.get("k")).toMatchObject({ waitListSize: 2, rateMax: 2, rateCount: 2 });
    expect(await after.client.flowControl.get("pinned")).toMatchObject({
      parallelismMax: 7,
      isPinnedParallelism: true,
    });
    expect(await after.client.flowControl.get("paused")).toMatchObject({ isPaused: true });
    await advanceTo(after, before.clock.now() + 60_000);
    expect(bodies(destination.deliveries)).toEqual(["c", "d"]);
  });

  it("has a place for each attempt that the kill ended", async () => {
    const { before, restart } = await startLives();
    const { destination, client } = before;
    const held = holdOne(before);
    const flowControl = { key: "k", parallelism: 1 } as const;
    for (const body of ["a", "b"]) await client.publish({ url: destination.url, body, flowControl });
    await held;
    const after = await restart();
    await after.idle();
    expect(bodies(destination.deliveries)).toEqual(["a", "b"]);
  });
});

describe("everything else after a kill", () => {
  it("a repetition inside the window is still one, and none after it", async () => {
    const { before, restart } = await startLives();
    const { destination, client } = before;
    const once = { url: destination.url, body: "once", deduplicationId: "d" };
    const first = await client.publish(once);
    await before.idle();
    const after = await restart();
    expect(await after.client.publish(once)).toEqual({ ...first, deduplicated: true });
    await advanceTo(after, before.clock.now() + 600_000);
    expect(await after.client.publish(once)).not.toHaveProperty("deduplicated");
    await after.idle();
    expect(bodies(destination.deliveries)).toEqual(["once", "once"]);
  });

  it("a schedule fires on, paused ones do not, and what was missed is not made up for", async () => {
    const { before, restart } = await startLives();
    const { destination, client } = before;
    const cron = "0 * * * *";
    const { scheduleId } = await client.schedules.create({ destination: destination.url, cron, body: "tick" });
    const paused = await client.schedules.create({ destination: destination.url, cron, body: "paused" });
    await client.schedules.pause({ schedule: paused.scheduleId });
    await before.clock.advance(3 * 3_600_000);
    await before.idle();
    expect(bodies(takeDeliveries(before))).toEqual(["tick", "tick", "tick"]);
    const known = await client.schedules.get(scheduleId);
    const after = await restart();
    // The second clock began where the first one did, three hours earlier.
    const again = await after.client.schedules.get(scheduleId);
    expect(again).toMatchObject({ cron, body: "tick", lastScheduleTime: known.lastScheduleTime });
    expect(await after.client.schedules.get(paused.scheduleId)).toMatchObject({ isPaused: true });
    await advanceTo(after, again.nextScheduleTime ?? 0);
    expect(destination.deliveries).toMatchObject([{ body: "tick", headers: { "upstash-schedule-id": scheduleId } }]);
  });

  it("URL groups, dead letters and events are there as they were", async () => {
    const { before, restart } = await startLives();
    const { destination, client } = before;
    await client.urlGroups.addEndpoints({ name: "g", endpoints: [{ url: destination.url, name: "one" }] });
    destination.answer(() => ({ status: 500, headers: { "x-why": "because" }, body: "no" }));
    await client.publishJSON({ urlGroup: "g", body: { n: 1 }, retries: 0 });
    await before.idle();
    const read = async ({ client: reader }: QstashRig) => ({
      groups: await reader.urlGroups.list(),
      letters: await reader.dlq.listMessages(),
      logs: await reader.logs(),
    });
    const known = await read(before);
    const after = await restart();
    expect(known.letters.messages).toHaveLength(1);
    expect(known.logs.logs).toHaveLength(4);
    expect(await read(after)).toEqual(known);
    takeDeliveries(before);
    destination.answer(() => ({ status: 200 }));
    await after.call("POST", `/v2/dlq/retry/${at(known.letters.messages, 0).dlqId}`);
    await after.idle();
    expect(bodies(destination.deliveries)).toEqual(['{"n":1}']);
    expect((await after.client.logs()).logs).toHaveLength(7);
  });

  it("new dead letters have ids of their own, though the count of ids begins anew", async () => {
    const { before, restart } = await startLives();
    const { destination, client } = before;
    destination.answer(() => ({ status: 500 }));
    await client.publish({ url: destination.url, retries: 0 });
    await before.idle();
    const after = await restart();
    await advanceTo(after, before.clock.now());
    await after.client.publish({ url: destination.url, retries: 0 });
    await after.idle();
    const { messages } = await after.client.dlq.listMessages();
    expect(new Set(messages.map(({ dlqId }) => dlqId)).size).toBe(2);
  });

  it("rotated signing keys stay rotated", async () => {
    const { before, restart } = await startLives();
    const rotated: unknown = await (await before.call("POST", "/v2/keys/rotate")).json();
    const after = await restart();
    expect(await (await after.call("GET", "/v2/keys")).json()).toEqual(rotated);
  });
});

describe("an orderly end", () => {
  it("breaks off the attempt under way without counting it, and the next start begins it anew", async () => {
    const folder = newFolder();
    const before = await startOn(folder);
    const { destination, client } = before;
    const held = holdOne(before);
    const { messageId } = await client.publish({ url: destination.url, retries: 0 });
    await held;
    await before.end();
    const after = await startOn(folder);
    await after.idle();
    expect([ids(destination.deliveries), retries(destination.deliveries)]).toEqual([[messageId], ["0"]]);
    expect((await after.client.dlq.listMessages()).messages).toEqual([]);
  });
});

describe("a storage that takes its time", () => {
  it("holds back the answer and the delivery until what was taken is written", async () => {
    const written = Promise.withResolvers<boolean>();
    const asked = Promise.withResolvers<void>();
    const flushed = (): Promise<boolean> => (asked.resolve(), written.promise);
    const { client, destination, idle } = await startQstash("frozen", { ...memoryStorage(), flushed });
    let isAnswered = false;
    const publishing = client.publish({ url: destination.url }).finally(() => (isAnswered = true));
    await asked.promise;
    for (let turn = 0; turn < 20; turn += 1) await new Promise((resolve) => setImmediate(resolve));
    expect([isAnswered, destination.deliveries.length]).toEqual([false, 0]);
    written.resolve(true);
    await publishing;
    await idle();
    expect(destination.deliveries).toHaveLength(1);
  });

  it("and cannot write at all makes every request fail, so that the client tries again", async () => {
    const spy = vi.spyOn(console, "error").mockImplementation(() => {});
    onTestFinished(() => spy.mockRestore());
    const { call, destination } = await startQstash("frozen", {
      ...memoryStorage(),
      flushed: () => Promise.resolve(false),
    });
    const answer = await call("POST", `/v2/publish/${destination.url}`);
    expect([answer.status, await answer.json()]).toEqual([500, { error: "internal error" }]);
  });
});
