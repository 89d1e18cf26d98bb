import { createHash } from "node:crypto";
import { describe, expect, it } from "vitest";
import { at, startQstash } from "./qstash-rig.ts";

const hidden = (text: string) => `REDACTED:${createHash("sha256").update(text).digest("hex")}`;
const headers = { "x-key": "k", "x-other": "o" };

describe("a redacted field", () => {
  it("is hidden in messages and events, and delivered as it is", async () => {
    const { client, destination, clock, idle } = await startQstash();
    const { messageId } = await client.publish({
      url: destination.url,
      body: "secret",
      headers,
      delay: 10,
      redact: { body: true, header: ["x-key"] },
    });
    const header = { "X-Key": [hidden("k")], "X-Other": ["o"] };
    expect(await client.messages.get(messageId)).toMatchObject({ body: hidden("secret"), header });
    await clock.advance(10_000);
    await idle();
    expect(at(destination.deliveries, 0)).toMatchObject({ body: "secret", headers });
    const { logs } = await client.logs();
    expect(logs).toHaveLength(3);
    for (const log of logs) expect(log).toMatchObject({ body: hidden("secret"), header });
  });

  it("is hidden in a dead letter, whose retry carries it again", async () => {
    const { client, destination, idle } = await startQstash();
    destination.answer((_, index) => ({ status: index === 0 ? 500 : 200 }));
    await client.publish({ url: destination.url, body: "secret", headers, retries: 0, redact: { body: true } });
    await idle();
    const { messages } = await client.dlq.listMessages();
    expect(messages).toMatchObject([{ body: hidden("secret"), header: { "X-Key": ["k"] } }]);
    await client.dlq.retry(at(messages, 0).dlqId);
    await idle();
    expect(at(destination.deliveries, 1).body).toBe("secret");
  });

  it("may be every header, whose names stay visible", async () => {
    const { client, destination } = await startQstash();
    const { messageId } = await client.publish({
      url: destination.url,
      body: "open",
      headers,
      delay: 10,
      redact: { header: true },
    });
    expect(await client.messages.get(messageId)).toMatchObject({
      body: "open",
      header: { "X-Key": [hidden("k")], "X-Other": [hidden("o")] },
    });
  });

  it("is hidden in a schedule and in the messages of its runs", async () => {
    const { client, destination, clock, idle } = await startQstash();
    const { scheduleId } = await client.schedules.create({
      destination: destination.url,
      cron: "* * * * *",
      body: "secret",
      redact: { body: true, header: ["X-Key"] },
      headers,
    });
    expect(await client.schedules.get(scheduleId)).toMatchObject({
      body: hidden("secret"),
      header: { "X-Key": [hidden("k")], "X-Other": ["o"] },
    });
    await clock.advance(60_000);
    await idle();
    expect(at(destination.deliveries, 0).body).toBe("secret");
    for (const { body } of (await client.logs()).logs) expect(body).toBe(hidden("secret"));
  });

  it.each(["everything", "body[x]", "header[]", "body,status"])("is refused when it is %s", async (fields) => {
    const { call, destination } = await startQstash();
    const answer = await call("POST", `/v2/publish/${destination.url}`, {
      headers: { "Upstash-Redact-Fields": fields },
    });
    expect(answer.status).toBe(400);
  });
});
