import { describe, expect, it } from "vitest";
import { at, startQstash, type QstashRig } from "./qstash-rig.ts";

/** Publishes a message that fails at once and for good. */
async function bury(rig: QstashRig, o: { body?: string; label?: string } = {}): Promise<string> {
  rig.destination.answer(() => ({ status: 500, headers: { "X-Why": "broken" }, body: "it broke" }));
  const { messageId } = await rig.client.publish({
    url: rig.destination.url,
    retries: 0,
    headers: { "x-run": "7" },
    ...o,
  });
  await rig.idle();
  return messageId;
}

describe("a dead letter", () => {
  it("keeps the message and the last answer, and the message itself is gone", async () => {
    const rig = await startQstash();
    const messageId = await bury(rig, { body: "content", label: "kind" });
    const { messages } = await rig.client.dlq.listMessages();
    expect(messages).toMatchObject([
      {
        messageId,
        url: rig.destination.url,
        body: "content",
        header: { "X-Run": ["7"] },
        label: "kind",
        maxRetries: 0,
        responseStatus: 500,
        responseBody: "it broke",
        dlqId: expect.stringMatching(/^\d+-\d+$/),
      },
    ]);
    const read = await rig.call("GET", `/v2/dlq/${at(messages, 0).dlqId}`);
    expect(await read.json()).toMatchObject({ messageId, responseHeader: { "X-Why": ["broken"] } });
    await expect(rig.client.messages.get(messageId)).rejects.toMatchObject({ status: 404 });
  });

  it("is retried as a new message with the same content, and is gone then", async () => {
    const rig = await startQstash();
    const oldId = await bury(rig, { body: "content" });
    const { messages } = await rig.client.dlq.listMessages();
    rig.destination.answer(() => ({ status: 200 }));
    const { responses } = await rig.client.dlq.retry(at(messages, 0).dlqId);
    await rig.idle();
    const again = at(rig.destination.deliveries, 1);
    expect(again.body).toBe("content");
    expect(again.headers).toMatchObject({
      "x-run": "7",
      "upstash-retried": "0",
      "upstash-message-id": at(responses, 0).messageId,
    });
    expect(at(responses, 0).messageId).not.toBe(oldId);
    expect((await rig.client.dlq.listMessages()).messages).toEqual([]);
  });

  it("is deleted once", async () => {
    const rig = await startQstash();
    await bury(rig);
    const { dlqId } = at((await rig.client.dlq.listMessages()).messages, 0);
    await rig.client.dlq.delete(dlqId);
    await expect(rig.client.dlq.delete(dlqId)).rejects.toMatchObject({ status: 404 });
    expect((await rig.call("GET", `/v2/dlq/${dlqId}`)).status).toBe(404);
    expect((await rig.call("POST", `/v2/dlq/retry/${dlqId}`)).status).toBe(404);
  });

  it("is found by label and by status, and deleted in bulk by the same filters", async () => {
    const rig = await startQstash();
    await bury(rig, { label: "a" });
    await bury(rig, { label: "b" });
    await bury(rig, { label: "b" });
    expect((await rig.client.dlq.listMessages({ filter: { label: "b" } })).messages).toHaveLength(2);
    expect((await rig.client.dlq.listMessages({ filter: { responseStatus: 404 } })).messages).toHaveLength(0);
    expect(await rig.client.dlq.delete({ filter: { label: "b" } })).toEqual({ deleted: 2 });
    expect((await rig.client.dlq.listMessages()).messages).toHaveLength(1);
  });

  it("is retried in bulk, in steps of the count, until the cursor ends", async () => {
    const rig = await startQstash();
    for (const body of ["1", "2", "3"]) await bury(rig, { body });
    rig.destination.answer(() => ({ status: 200 }));
    let retriedCount = 0;
    let cursor: string | undefined;
    do {
      const step = await rig.client.dlq.retry({ all: true, count: 2, ...(cursor !== undefined && { cursor }) });
      retriedCount += step.responses.length;
      cursor = step.cursor;
    } while (cursor !== undefined);
    await rig.idle();
    expect(retriedCount).toBe(3);
    expect(rig.destination.deliveries).toHaveLength(6);
  });

  it.each(["host", "path", "surprise"])("is never deleted by the unknown filter %s", async (name) => {
    const rig = await startQstash();
    await bury(rig);
    expect((await rig.call("DELETE", `/v2/dlq?${name}=x`)).status).toBe(400);
    expect((await rig.client.dlq.listMessages()).messages).toHaveLength(1);
  });
});

describe("deduplication", () => {
  it("takes an id once within ten minutes and answers with the first message", async () => {
    const { client, destination, clock, idle } = await startQstash();
    const publish = () => client.publish({ url: destination.url, deduplicationId: "once" });
    const first = await publish();
    await idle();
    await clock.advance(599_999);
    expect(await publish()).toEqual({ messageId: first.messageId, deduplicated: true });
    await clock.advance(1);
    expect(await publish()).not.toHaveProperty("deduplicated");
    await idle();
    expect(destination.deliveries).toHaveLength(2);
  });

  it("answers a repetition with 202", async () => {
    const { destination, call } = await startQstash();
    const publish = () =>
      call("POST", `/v2/publish/${destination.url}`, { headers: { "Upstash-Deduplication-Id": "x" } });
    expect([(await publish()).status, (await publish()).status]).toEqual([201, 202]);
  });

  it("by content takes the same body, headers and destination once", async () => {
    const { client, destination, idle } = await startQstash();
    const publish = (body: string, headers: Record<string, string> = {}) =>
      client.publish({ url: destination.url, body, headers, contentBasedDeduplication: true });
    const first = await publish("a");
    expect(await publish("a")).toEqual({ messageId: first.messageId, deduplicated: true });
    expect(await publish("b")).not.toHaveProperty("deduplicated");
    expect(await publish("a", { "x-other": "1" })).not.toHaveProperty("deduplicated");
    await idle();
    expect(destination.deliveries).toHaveLength(3);
  });

  it("holds inside a batch", async () => {
    const { client, destination, idle } = await startQstash();
    await client.batch([
      { url: destination.url, deduplicationId: "d" },
      { url: destination.url, deduplicationId: "d" },
    ]);
    await idle();
    expect(destination.deliveries).toHaveLength(1);
  });

  it("does not hold the id of a message that was refused", async () => {
    const { client, destination, idle } = await startQstash();
    const refused = client.publish({ url: destination.url, deduplicationId: "d", delay: "91d" });
    await expect(refused).rejects.toMatchObject({ status: 412 });
    expect(await client.publish({ url: destination.url, deduplicationId: "d" })).not.toHaveProperty("deduplicated");
    await idle();
  });
});

describe("a callback", () => {
  it("tells the answer of the destination once, signed, as a message of its own", async () => {
    const rig = await startQstash();
    const callback = rig.destination.url.replace("/hook", "/callback");
    rig.destination.answer(({ path }) => ({ status: 200, body: path === "/hook" ? "the answer" : "" }));
    const { messageId } = await rig.client.publish({
      url: rig.destination.url,
      body: "the question",
      callback,
      headers: { "Upstash-Callback-Forward-X-Session": "s1" },
    });
    await rig.idle();
    const told = at(rig.destination.deliveries, 1);
    const { body, ...rest } = JSON.parse(told.body) as { body: string };
    expect(rig.destination.deliveries).toHaveLength(2);
    expect(told.headers).toMatchObject({ "content-type": "application/json", "x-session": "s1" });
    expect(Buffer.from(body, "base64").toString()).toBe("the answer");
    expect(rest).toMatchObject({ status: 200, sourceMessageId: messageId, retried: 0, url: rig.destination.url });
    expect(await rig.receiver.verify({ signature: String(told.headers["upstash-signature"]), body: told.body })).toBe(
      true,
    );
  });

  it("of a failure is not sent after a success", async () => {
    const rig = await startQstash();
    await rig.client.publish({
      url: rig.destination.url,
      failureCallback: rig.destination.url.replace("/hook", "/failed"),
    });
    await rig.idle();
    expect(rig.destination.deliveries.map(({ path }) => path)).toEqual(["/hook"]);
  });

  it("of a failure that forbids retries says that none is left", async () => {
    const rig = await startQstash();
    const failureCallback = rig.destination.url.replace("/hook", "/failed");
    rig.destination.answer(() => ({ status: 489, headers: { "Upstash-NonRetryable-Error": "true" } }));
    await rig.client.publish({ url: rig.destination.url, failureCallback, retries: 4 });
    await rig.idle();
    expect(JSON.parse(at(rig.destination.deliveries, 1).body)).toMatchObject({
      status: 489,
      retried: 4,
      maxRetries: 4,
    });
  });

  it("of a failure comes after the last retry and names the dead letter", async () => {
    const rig = await startQstash();
    const failureCallback = rig.destination.url.replace("/hook", "/failed");
    rig.destination.answer(({ path }) => ({ status: path === "/hook" ? 500 : 200 }));
    await rig.client.publish({ url: rig.destination.url, retries: 2, failureCallback });
    await rig.idle();
    await rig.clock.advance(3_600_000);
    await rig.idle();
    const [letter] = (await rig.client.dlq.listMessages()).messages;
    expect(rig.destination.deliveries.map(({ path }) => path)).toEqual(["/hook", "/hook", "/hook", "/failed"]);
    expect(JSON.parse(at(rig.destination.deliveries, 3).body)).toMatchObject({
      status: 500,
      retried: 2,
      maxRetries: 2,
      dlqId: letter?.dlqId,
    });
  });
});
