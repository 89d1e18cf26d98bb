import { Client, Receiver } from "@upstash/qstash";
import { describe, expect, it, onTestFinished, vi } from "vitest";
import { startStack } from "../../stack/start-stack.ts";
import { at, startDestination, startQstash } from "./qstash-rig.ts";

describe("@upstash/qstash in its development mode", () => {
  it("takes the stack for Upstash's development server, and its keys for that server's", async () => {
    const stack = await startStack();
    onTestFinished(() => stack.close());
    vi.stubEnv("QSTASH_DEV", "true");
    vi.stubEnv("QSTASH_DEV_PORT", String(stack.port));
    onTestFinished(() => void vi.unstubAllEnvs());
    const destination = await startDestination();
    const { messageId } = await new Client().publishJSON({ url: destination.url, body: { hello: "dev" } });
    await stack.qstashIdle();
    const { headers, body } = at(destination.deliveries, 0);
    expect([headers["upstash-message-id"], body]).toEqual([messageId, '{"hello":"dev"}']);
    const signature = String(headers["upstash-signature"]);
    expect(await new Receiver().verify({ signature, body, url: destination.url })).toBe(true);
    await expect(new Receiver().verify({ signature, body: "changed" })).rejects.toThrow();
  });
});

describe("the older names of the SDK", () => {
  it("delete one message, some messages or all of them", async () => {
    const { client, destination } = await startQstash();
    const publish = async (): Promise<string> => (await client.publish({ url: destination.url, delay: 60 })).messageId;
    const [one, two, three] = [await publish(), await publish(), await publish()];
    await publish();
    await client.messages.delete(one);
    expect(await client.messages.deleteMany([two, three])).toBe(2);
    expect(await client.messages.deleteAll()).toBe(1);
    expect(await client.messages.deleteAll()).toBe(0);
  });

  it("read the log as events", async () => {
    const { client, destination, idle } = await startQstash();
    const { messageId } = await client.publish({ url: destination.url });
    await idle();
    const { events } = await client.events({ filter: { messageId } });
    expect(events.map(({ state }) => state)).toEqual(["DELIVERED", "ACTIVE", "CREATED"]);
  });
});

describe("a schedule of the SDK", () => {
  it("goes on when it is resumed", async () => {
    const { client, clock, destination, idle } = await startQstash();
    const { scheduleId } = await client.schedules.create({ destination: destination.url, cron: "* * * * *" });
    await client.schedules.pause({ schedule: scheduleId });
    await clock.advance(120_000);
    await client.schedules.resume({ schedule: scheduleId });
    await clock.advance(60_000);
    await idle();
    expect(destination.deliveries).toHaveLength(1);
    expect((await client.schedules.get(scheduleId)).isPaused).toBe(false);
  });
});
