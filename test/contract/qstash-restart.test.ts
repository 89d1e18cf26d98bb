import { describe, expect, it } from "vitest";
import { advanceTo, holdOne, startLives, takeDeliveries } from "./qstash-lives.ts";
import type { Delivery } from "./qstash-rig.ts";

const bodies = (deliveries: readonly Delivery[]) => deliveries.map(({ body }) => body);
const retries = (deliveries: readonly Delivery[]) => deliveries.map(({ headers }) => headers["upstash-retried"]);
const ids = (deliveries: readonly Delivery[]) => deliveries.map(({ headers }) => headers["upstash-message-id"]);

describe("a message after a kill", () => {
  it("that waited is delivered at its time and not before, unchanged", async () => {
    const { before, restart } = await startLives();
    const { destination, client } = before;
    const { messageId } = await client.publish({
      url: `${destination.url}?q=%20`,
      body: "\0t grüße",
      headers: { "x-run": "7" },
      method: "PUT",
      delay: 600,
      retries: 5,
      label: "kept",
    });
    const waiting = await client.messages.get(messageId);
    const dueMs = before.clock.now() + 600_000;
    const after = await restart();
    expect(await after.client.messages.get(messageId)).toEqual(waiting);
    await advanceTo(after, dueMs - 1);
    expect(destination.deliveries).toHaveLength(0);
    await advanceTo(after, dueMs);
    expect(destination.deliveries).toMatchObject([
      {
        method: "PUT",
        path: "/hook?q=%20",
        body: "\0t grüße",
        headers: { "x-run": "7", "upstash-message-id": messageId },
      },
    ]);
    await expect(after.client.messages.get(messageId)).rejects.toMatchObject({ status: 404 });
  });

  it("whose attempt was under way is delivered again, with the same id and count", async () => {
    const { before, restart } = await startLives();
    const { destination, client, clock } = before;
    destination.answer(() => ({ status: 500 }));
    const { messageId } = await client.publish({ url: destination.url, body: "x" });
    await before.idle();
    const held = holdOne(before);
    void clock.advance(12_000);
    await held;
    const after = await restart();
    await advanceTo(after, clock.now());
    expect(ids(destination.deliveries)).toEqual([messageId]);
    expect(retries(destination.deliveries)).toEqual(["1"]);
  });

  it("that was being retried keeps its count, its times and its end", async () => {
    const { before, restart } = await startLives();
    const { destination, client, clock } = before;
    destination.answer(() => ({ status: 500 }));
    const failureCallback = destination.url.replace("/hook", "/failed");
    await client.publish({ url: destination.url, retries: 2, failureCallback });
    await before.idle();
    await clock.advance(12_000);
    takeDeliveries(before);
    const retryAtMs = clock.now() + 148_000;
    const after = await restart();
    await advanceTo(after, retryAtMs - 1);
    expect(destination.deliveries).toHaveLength(0);
    await advanceTo(after, retryAtMs);
    expect(destination.deliveries.map(({ path: where }) => where)).toEqual(["/hook", "/failed"]);
    expect(retries(destination.deliveries)).toEqual(["2", "0"]);
    expect((await after.client.dlq.listMessages()).messages).toHaveLength(1);
  });

  it("that was delivered, cancelled or refused does not come back", async () => {
    const { before, restart } = await startLives();
    const { destination, client } = before;
    await client.publish({ url: destination.url, body: "delivered" });
    await before.idle();
    const { messageId } = await client.publish({ url: destination.url, body: "cancelled", delay: 60 });
    await client.messages.cancel(messageId);
    await expect(client.publish({ url: destination.url, retries: 1_000_000 })).rejects.toMatchObject({ status: 412 });
    takeDeliveries(before);
    const after = await restart();
    await after.clock.advance(86_400_000);
    await after.idle();
    expect(destination.deliveries).toEqual([]);
  });

  it("comes in the order of the times at which it was due", async () => {
    const { before, restart } = await startLives();
    const { destination, client } = before;
    const lengths = [30, 10, 20, 10];
    for (const [index, delay] of lengths.entries())
      await client.publish({ url: destination.url, body: `${index}`, delay });
    const after = await restart();
    await advanceTo(after, before.clock.now() + 30_000);
    expect(bodies(destination.deliveries)).toEqual(["1", "3", "2", "0"]);
  });
});

describe("a queue after a kill", () => {
  async function startQueue(parallelism = 1) {
    const lives = await startLives();
    const queue = lives.before.client.queue({ queueName: "q" });
    await queue.upsert({ parallelism });
    const enqueue = (body: string, o: object = {}) => queue.enqueue({ url: lives.before.destination.url, body, ...o });
    return { ...lives, queue, enqueue, destination: lives.before.destination };
  }

  it("leaves its place to the message that waits for a retry, also where others came before their time", async () => {
    const { before, restart, enqueue, destination } = await startQueue();
    destination.answer(() => ({ status: 500 }));
    for (const body of ["a", "b", "c"]) await enqueue(body);
    await before.idle();
    destination.answer(() => ({ status: 200 }));
    takeDeliveries(before);
    const after = await restart();
    await after.idle();
    expect(destination.deliveries).toEqual([]);
    expect(await after.client.queue({ queueName: "q" }).get()).toMatchObject({ lag: 2 });
    await advanceTo(after, before.clock.now() + 12_000);
    expect(bodies(destination.deliveries)).toEqual(["a", "b", "c"]);
  });

  it("leaves its place to the message whose attempt was under way, though another came first", async () => {
    const { before, restart, enqueue, destination } = await startQueue();
    const held = holdOne(before);
    await enqueue("late", { delay: 10 });
    await enqueue("first");
    await enqueue("second");
    await held;
    const after = await restart();
    await advanceTo(after, before.clock.now() + 10_000);
    expect(bodies(destination.deliveries)).toEqual(["first", "second", "late"]);
  });

  it("still waits for the callback of the message before", async () => {
    const { before, restart, enqueue, destination } = await startQueue();
    const callback = destination.url.replace("/hook", "/told");
    destination.answer(({ path: where }) => ({ status: where === "/told" ? 500 : 200 }));
    await enqueue("a", { callback });
    await enqueue("b", { callback });
    await before.idle();
    destination.answer(() => ({ status: 200 }));
    takeDeliveries(before);
    const after = await restart();
    await after.idle();
    expect(destination.deliveries).toEqual([]);
    await advanceTo(after, before.clock.now() + 12_000);
    expect(destination.deliveries.map(({ path: where }) => where)).toEqual(["/told", "/hook", "/told"]);
  });

  it("has the place free again of a message that was cancelled during its attempt", async () => {
    const { before, restart, enqueue, destination } = await startQueue();
    const held = holdOne(before);
    const first = (await enqueue("a")) as { messageId: string };
    await enqueue("b");
    await held;
    await before.client.messages.cancel(first.messageId);
    const after = await restart();
    await after.idle();
    expect(bodies(destination.deliveries)).toEqual(["b"]);
  });

  it("is still paused, with its messages and its parallelism", async () => {
    const { before, restart, queue, enqueue, destination } = await startQueue(3);
    await queue.pause();
    for (const body of ["a", "b"]) await enqueue(body);
    const known = await queue.get();
    const after = await restart();
    await after.idle();
    const again = after.client.queue({ queueName: "q" });
    expect([await again.get(), destination.deliveries]).toEqual([known, []]);
    await again.resume();
    await after.idle();
    expect(bodies(destination.deliveries).toSorted()).toEqual(["a", "b"]);
    expect(before.clock.isFrozen()).toBe(true);
  });
});
