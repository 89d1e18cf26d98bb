import { describe, expect, it } from "vitest";
import { startQstash, type QstashRig } from "./qstash-rig.ts";

const bodies = (rig: QstashRig) => rig.destination.deliveries.map(({ body }) => body);

async function enqueue(rig: QstashRig, body: string, o: object = {}): Promise<string> {
  const answer = await rig.client.queue({ queueName: "q" }).enqueue({ url: rig.destination.url, body, ...o });
  return (answer as { messageId: string }).messageId;
}

describe("a queue", () => {
  it("is made by its first message and shows how many wait", async () => {
    const rig = await startQstash();
    const queue = rig.client.queue({ queueName: "q" });
    await expect(queue.get()).rejects.toMatchObject({ status: 404 });
    rig.destination.answer(() => ({ status: 500 }));
    await enqueue(rig, "a");
    await enqueue(rig, "b");
    await rig.idle();
    expect(await queue.get()).toMatchObject({ name: "q", parallelism: 1, paused: false, lag: 1 });
    expect(await queue.list()).toHaveLength(1);
  });

  it("delivers in order, each message after the last retry of the one before", async () => {
    const rig = await startQstash();
    rig.destination.answer((_, index) => ({ status: index < 2 ? 500 : 200 }));
    for (const body of ["a", "b", "c"]) await enqueue(rig, body, { retries: 2 });
    await rig.idle();
    expect(bodies(rig)).toEqual(["a"]);
    await rig.clock.advance(3_600_000);
    await rig.idle();
    expect(bodies(rig)).toEqual(["a", "a", "a", "b", "c"]);
    expect(await rig.client.queue({ queueName: "q" }).get()).toMatchObject({ lag: 0 });
  });

  it("goes on after a message that failed for good, once its failure callback has ended", async () => {
    const rig = await startQstash();
    const failureCallback = rig.destination.url.replace("/hook", "/failed");
    rig.destination.answer(({ body }, index) => ({ status: body === "b" || index > 1 ? 200 : 500 }));
    await enqueue(rig, "a", { retries: 0, failureCallback, headers: { "Upstash-Failure-Callback-Retries": "1" } });
    await enqueue(rig, "b");
    await rig.idle();
    expect(rig.destination.deliveries.map(({ path }) => path)).toEqual(["/hook", "/failed"]);
    await rig.clock.advance(12_000);
    await rig.idle();
    expect(rig.destination.deliveries.map(({ path }) => path)).toEqual(["/hook", "/failed", "/failed", "/hook"]);
  });

  it("starts the next message only after the callback of the one before has been answered", async () => {
    const rig = await startQstash();
    const callback = rig.destination.url.replace("/hook", "/told");
    await enqueue(rig, "a", { callback });
    await enqueue(rig, "b", { callback });
    await rig.idle();
    expect(rig.destination.deliveries.map(({ path }) => path)).toEqual(["/hook", "/told", "/hook", "/told"]);
  });

  it("has as many messages under way as its parallelism, and more at once when that is raised", async () => {
    const rig = await startQstash();
    const queue = rig.client.queue({ queueName: "q" });
    await queue.upsert({ parallelism: 2 });
    rig.destination.answer(() => ({ status: 500 }));
    for (const body of ["a", "b", "c", "d"]) await enqueue(rig, body);
    await rig.idle();
    expect(bodies(rig).toSorted()).toEqual(["a", "b"]);
    await queue.upsert({ parallelism: 3 });
    await rig.idle();
    expect(bodies(rig).toSorted()).toEqual(["a", "b", "c"]);
  });

  it("starts nothing while it is paused, and everything in order when it is resumed", async () => {
    const rig = await startQstash();
    const queue = rig.client.queue({ queueName: "q" });
    await queue.upsert({ paused: true });
    for (const body of ["a", "b"]) await enqueue(rig, body);
    await rig.idle();
    expect(bodies(rig)).toEqual([]);
    await queue.resume();
    await rig.idle();
    expect(bodies(rig)).toEqual(["a", "b"]);
    await queue.pause();
    expect(await queue.get()).toMatchObject({ paused: true });
  });

  it("drops its messages when it is deleted", async () => {
    const rig = await startQstash();
    const queue = rig.client.queue({ queueName: "q" });
    await queue.upsert({ paused: true });
    const messageId = await enqueue(rig, "a");
    await queue.delete();
    await expect(rig.client.messages.get(messageId)).rejects.toMatchObject({ status: 404 });
    await expect(queue.delete()).rejects.toMatchObject({ status: 404 });
    await rig.idle();
    expect(bodies(rig)).toEqual([]);
  });

  it("goes on when the message under way is cancelled", async () => {
    const rig = await startQstash();
    rig.destination.answer((_, index) => ({ status: index === 0 ? 500 : 200 }));
    const first = await enqueue(rig, "a");
    await enqueue(rig, "b");
    await rig.idle();
    await rig.client.messages.cancel(first);
    await rig.idle();
    expect(bodies(rig)).toEqual(["a", "b"]);
  });

  it("takes a delayed message when its time has come and lets the others pass", async () => {
    const rig = await startQstash();
    await enqueue(rig, "late", { delay: 60 });
    await enqueue(rig, "soon");
    await rig.idle();
    expect(bodies(rig)).toEqual(["soon"]);
    await rig.clock.advance(60_000);
    await rig.idle();
    expect(bodies(rig)).toEqual(["soon", "late"]);
  });

  it("takes items of a batch", async () => {
    const rig = await startQstash();
    await rig.client.queue({ queueName: "q" }).upsert({ paused: true });
    await rig.client.batch([
      { url: rig.destination.url, body: "queued", queueName: "q" },
      { url: rig.destination.url, body: "free" },
    ]);
    await rig.idle();
    expect(bodies(rig)).toEqual(["free"]);
    await rig.client.queue({ queueName: "q" }).resume();
    await rig.idle();
    expect(bodies(rig)).toEqual(["free", "queued"]);
  });

  it.each([
    ["{", 400],
    ["[]", 400],
    ["{}", 400],
    ['{"queueName":"a b"}', 400],
    ['{"queueName":"q","parallelism":0}', 400],
    ['{"queueName":"q","parallelism":1.5}', 400],
    ['{"queueName":"q","paused":"yes"}', 400],
    ['{"queueName":"q","parallelism":100000}', 412],
  ])("is refused when it is asked for as %s", async (body, status) => {
    const rig = await startQstash();
    expect((await rig.call("POST", "/v2/queues", { body })).status).toBe(status);
    expect(await rig.client.queue().list()).toEqual([]);
  });
});
