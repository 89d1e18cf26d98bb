import { describe, expect, it } from "vitest";
import { startQstash, type DestinationAnswer, type QstashRig } from "./qstash-rig.ts";

const bodies = (rig: QstashRig) => rig.destination.deliveries.map(({ body }) => body);

interface Limits {
  parallelism?: number;
  rate?: number;
  period?: number;
}

async function publish(rig: QstashRig, body: string, limits: Limits, o: object = {}): Promise<string> {
  const flowControl = { key: "k", ...limits } as { key: string; rate: number };
  return (await rig.client.publish({ url: rig.destination.url, body, flowControl, ...o })).messageId;
}

/** A destination that answers only when it is told to. */
function holdAnswers(rig: QstashRig): (() => void)[] {
  const releases: (() => void)[] = [];
  rig.destination.answer(
    () => new Promise<DestinationAnswer>((resolve) => releases.push(() => resolve({ status: 200 }))),
  );
  return releases;
}

describe("flow control", () => {
  it("starts as many messages in a period as the rate, the others in order in the periods after it", async () => {
    const rig = await startQstash();
    for (const body of ["a", "b", "c", "d", "e"]) await publish(rig, body, { rate: 2, period: 60 });
    await rig.idle();
    expect(bodies(rig).toSorted()).toEqual(["a", "b"]);
    expect(await rig.client.flowControl.get("k")).toMatchObject({
      waitListSize: 3,
      rateMax: 2,
      rateCount: 2,
      ratePeriod: 60,
      parallelismMax: 0,
      ratePeriodStart: Math.floor(rig.clock.now() / 1_000),
    });
    await rig.clock.advance(59_999);
    expect(bodies(rig)).toHaveLength(2);
    await rig.clock.advance(1);
    await rig.idle();
    expect(bodies(rig).slice(2).toSorted()).toEqual(["c", "d"]);
    await rig.clock.advance(60_000);
    await rig.idle();
    expect(bodies(rig)[4]).toBe("e");
  });

  it("has as many attempts under way as the parallelism", async () => {
    const rig = await startQstash();
    const releases = holdAnswers(rig);
    for (const body of ["a", "b", "c"]) await publish(rig, body, { parallelism: 2 });
    await expect.poll(() => releases.length).toBe(2);
    expect(await rig.client.flowControl.get("k")).toMatchObject({ parallelismCount: 2, waitListSize: 1 });
    expect(await rig.client.flowControl.getGlobalParallelism()).toMatchObject({ parallelismCount: 2 });
    releases[0]?.();
    await expect.poll(() => releases.length).toBe(3);
    expect(await rig.client.flowControl.get("k")).toMatchObject({ parallelismCount: 2, waitListSize: 0 });
    for (const release of releases) release();
    await rig.idle();
    expect(await rig.client.flowControl.get("k")).toMatchObject({ parallelismCount: 0 });
  });

  it("keeps no place for a message that waits for its retry", async () => {
    const rig = await startQstash();
    rig.destination.answer(({ body }) => ({ status: body === "a" ? 500 : 200 }));
    await publish(rig, "a", { parallelism: 1 });
    await publish(rig, "b", { parallelism: 1 });
    await rig.idle();
    expect(bodies(rig)).toEqual(["a", "b"]);
    await rig.clock.advance(12_000);
    await rig.idle();
    expect(bodies(rig)).toEqual(["a", "b", "a"]);
  });

  it("limits each key on its own and nothing without a key", async () => {
    const rig = await startQstash();
    await publish(rig, "a", { rate: 1, period: 60 });
    await publish(rig, "b", { rate: 1, period: 60 });
    await rig.client.publish({ url: rig.destination.url, body: "c", flowControl: { key: "other", rate: 1 } });
    await rig.client.publish({ url: rig.destination.url, body: "d" });
    await rig.idle();
    expect(bodies(rig).toSorted()).toEqual(["a", "c", "d"]);
    const listed = (await (await rig.call("GET", "/v2/flowControl")).json()) as { flowControlKey: string }[];
    expect(listed.map(({ flowControlKey }) => flowControlKey)).toEqual(["k", "other"]);
  });

  it("follows the limits of the latest message", async () => {
    const rig = await startQstash();
    await publish(rig, "a", { rate: 1, period: 60 });
    await publish(rig, "b", { rate: 1, period: 60 });
    await rig.idle();
    await publish(rig, "c", { rate: 3, period: 60 });
    await rig.idle();
    expect(bodies(rig).toSorted()).toEqual(["a", "b", "c"]);
  });

  it("starts nothing of a paused key until it is resumed", async () => {
    const rig = await startQstash();
    await rig.client.flowControl.pause("k");
    await publish(rig, "a", { parallelism: 1 });
    await rig.idle();
    expect(bodies(rig)).toEqual([]);
    expect(await rig.client.flowControl.get("k")).toMatchObject({ isPaused: true, waitListSize: 1 });
    await rig.client.flowControl.resume("k");
    await rig.idle();
    expect(bodies(rig)).toEqual(["a"]);
  });

  it("keeps pinned limits whatever messages say, until they are unpinned", async () => {
    const rig = await startQstash();
    await rig.client.flowControl.pin("k", { parallelism: 4, rate: 1, period: 60 });
    for (const body of ["a", "b"]) await publish(rig, body, { rate: 100, parallelism: 9 });
    await rig.idle();
    expect(bodies(rig)).toEqual(["a"]);
    expect(await rig.client.flowControl.get("k")).toMatchObject({
      parallelismMax: 4,
      rateMax: 1,
      ratePeriod: 60,
      isPinnedParallelism: true,
      isPinnedRate: true,
    });
    await rig.client.flowControl.unpin("k", { rate: true });
    await publish(rig, "c", { rate: 100, parallelism: 9 });
    await rig.idle();
    expect(bodies(rig).toSorted()).toEqual(["a", "b", "c"]);
    expect(await rig.client.flowControl.get("k")).toMatchObject({ isPinnedParallelism: true, isPinnedRate: false });
  });

  it("begins a new period when the rate is reset", async () => {
    const rig = await startQstash();
    for (const body of ["a", "b"]) await publish(rig, body, { rate: 1, period: 60 });
    await rig.idle();
    await rig.client.flowControl.resetRate("k");
    await rig.idle();
    expect(bodies(rig)).toEqual(["a", "b"]);
  });

  it("is not held up by a period that the clock left backwards", async () => {
    const rig = await startQstash();
    await rig.clock.advance(3_600_000);
    await publish(rig, "a", { rate: 1, period: 60 });
    await rig.idle();
    rig.clock.release();
    await publish(rig, "b", { rate: 1, period: 60 });
    await expect.poll(() => bodies(rig)).toEqual(["a", "b"]);
  });

  it("forgets a message that is cancelled while it waits", async () => {
    const rig = await startQstash();
    await publish(rig, "a", { rate: 1, period: 60 });
    const messageId = await publish(rig, "b", { rate: 1, period: 60 });
    await rig.idle();
    await rig.client.messages.cancel(messageId);
    expect(await rig.client.flowControl.get("k")).toMatchObject({ waitListSize: 0 });
    await rig.clock.advance(60_000);
    await rig.idle();
    expect(bodies(rig)).toEqual(["a"]);
  });

  it("holds inside a queue, which keeps its order", async () => {
    const rig = await startQstash();
    const queue = rig.client.queue({ queueName: "q" });
    const flowControl = { key: "k", rate: 1, period: 60 };
    for (const body of ["a", "b"]) await queue.enqueue({ url: rig.destination.url, body, flowControl });
    await queue.enqueue({ url: rig.destination.url, body: "c" });
    await rig.idle();
    expect(bodies(rig)).toEqual(["a"]);
    await rig.clock.advance(60_000);
    await rig.idle();
    expect(bodies(rig)).toEqual(["a", "b", "c"]);
  });

  it.each([
    ["GET", "/v2/flowControl/none", 404],
    ["POST", "/v2/flowControl/none/resume", 404],
    ["POST", "/v2/flowControl/none/unknown", 404],
    ["GET", "/v2/flowControl/%E0%A4%A", 400],
    ["POST", "/v2/flowControl/k/pin", 400],
    ["POST", "/v2/flowControl/k/pin?rate=0", 400],
    ["POST", "/v2/flowControl/k/pin?parallelism=1&period=5", 400],
    ["POST", "/v2/flowControl/k/pin?rate=1&period=soon", 400],
    ["POST", "/v2/flowControl/k/unpin", 400],
  ])("refuses %s %s", async (method, path, status) => {
    const { call } = await startQstash();
    expect((await call(method, path)).status).toBe(status);
  });
});
