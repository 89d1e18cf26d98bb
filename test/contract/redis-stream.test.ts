import { EventSourceParserStream } from "eventsource-parser/stream";
import { afterAll, beforeAll, describe, expect, it } from "vitest";
import { startRedisServer } from "./redis-server.ts";
import type { RedisServer } from "./redis-server.ts";

let server: RedisServer;

beforeAll(async () => {
  server = await startRedisServer();
});
afterAll(() => server.close());

/** The next line of a stream on each call. */
async function openStream(path: string): Promise<{ next(): Promise<string | undefined>; close(): Promise<void> }> {
  const answer = await server.request(path, { method: "POST", body: "[]", headers: { Accept: "text/event-stream" } });
  expect([answer.status, answer.headers.get("content-type")]).toEqual([200, "text/event-stream"]);
  if (answer.body === null) throw new Error("the answer has no body");
  const events = answer.body
    .pipeThrough(new TextDecoderStream())
    .pipeThrough(new EventSourceParserStream())
    .getReader();
  return {
    next: async () => (await events.read()).value?.data,
    close: () => events.cancel(),
  };
}

describe("streams over server-sent events", () => {
  it("a subscription is told first, then each message, with its commas", async () => {
    const stream = await openStream("/subscribe/chat:{ada}");
    expect(await stream.next()).toBe("subscribe,chat:{ada},1");
    await server.command("PUBLISH", "chat:{ada}", "one, two");
    expect(await stream.next()).toBe("message,chat:{ada},one, two");
    await stream.close();
  });

  it("a payload of several lines stays one event", async () => {
    const stream = await openStream("/psubscribe/li%2Anes");
    expect(await stream.next()).toBe("psubscribe,li*nes,1");
    await server.command("PUBLISH", "li-nes", '{\n"a":\r\n1}');
    expect(await stream.next()).toBe('pmessage,li*nes,li-nes,{ "a": 1}');
    await stream.close();
  });

  it("monitor says OK and then shows what runs", async () => {
    const stream = await openStream("/monitor");
    expect(await stream.next()).toBe('"OK"');
    await server.command("GET", "watched");
    expect(await stream.next()).toMatch(/^[\d.]+ \[0 .*\] "GET" "watched"$/);
    await stream.close();
  });

  it("a reader that leaves frees its Redis connection", async () => {
    const stream = await openStream("/subscribe/left");
    await stream.next();
    await stream.close();
    await expect.poll(async () => (await server.command("PUBLISH", "left", "x")).json()).toEqual({ result: 0 });
  });

  it("a hundred readers receive the same message", async () => {
    const streams = await Promise.all(Array.from({ length: 100 }, () => openStream("/subscribe/crowd")));
    await Promise.all(streams.map((stream) => stream.next()));
    expect(await (await server.command("PUBLISH", "crowd", "hi")).json()).toEqual({ result: 100 });
    const heard = await Promise.all(streams.map((stream) => stream.next()));
    expect(new Set(heard)).toEqual(new Set(["message,crowd,hi"]));
    await Promise.all(streams.map((stream) => stream.close()));
  });

  it("without the Accept header, or without a channel, the request is refused", async () => {
    expect((await server.request("/subscribe/c", { method: "POST" })).status).toBe(400);
    const headers = { Accept: "text/event-stream" };
    expect((await server.request("/subscribe", { method: "POST", headers })).status).toBe(400);
  });
});
