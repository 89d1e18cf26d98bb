/**
 * Deliveries of the queue, over the real app: what is signed by QStash gets in, and nothing else. Whoever does not get in leaves no trace: neither in the journal,
 * which is compared byte for byte, nor as a Redis command.
 */
import { afterAll, beforeAll, beforeEach, describe, expect, it } from "vitest";
import { limits } from "../../src/core/limits.ts";
import { createDeliveryRig, executeStep, expectRefused, type DeliveryRig } from "../support/delivery-rig.ts";
import { redisCommand } from "../support/run-client.ts";
import { signDelivery, unsigned } from "../support/sign-delivery.ts";
import { startTestApp, type TestApp } from "../support/test-app.ts";
import { waitForGo } from "../support/test-runs.ts";

let app: TestApp;
let rig: DeliveryRig;
beforeAll(async () => {
  app = await startTestApp({ definitions: [waitForGo] });
});
beforeEach(async () => {
  rig = await createDeliveryRig(app);
});
afterAll(() => app.close());

const nowSeconds = () => Math.floor(Date.now() / 1_000);

describe("a delivery", () => {
  it("signed with the current key runs the next segment", async () => {
    await rig.signal();
    expect(await rig.deliver()).toMatchObject({ status: 200, json: { outcome: "completed" } });
  });

  it("signed with the next key runs it too, so that rotating the keys loses nothing", async () => {
    await rig.signal();
    expect(await rig.deliver({ key: app.stack.nextSigningKey })).toMatchObject({ json: { outcome: "completed" } });
  });

  it.each([
    ["forged", () => rig.deliver({ key: "sig_of_somebody_else" })],
    ["signed with the token in place of a signing key", () => rig.deliver({ key: app.stack.qstashToken })],
    ["whose time is over", () => rig.deliver({ claims: { exp: nowSeconds() - limits.clockToleranceSeconds - 2 } })],
    [
      "whose time has not come",
      () => rig.deliver({ claims: { nbf: nowSeconds() + limits.clockToleranceSeconds + 10 } }),
    ],
    ["signed for another route", () => rig.deliver({ claims: { sub: `${app.url}/api/engine/resume` } })],
    ["signed for another host", () => rig.deliver({ claims: { sub: `https://evil.example${executeStep}` } })],
    ["signed for the URL with a query", () => rig.deliver({ claims: { sub: `${app.url}${executeStep}?x=1` } })],
    ["of another issuer", () => rig.deliver({ claims: { iss: "Upstart" } })],
    ["signed for another body", () => rig.deliver({ claims: { body: "x" } })],
    ["without a signature", () => rig.post({})],
    ["with an empty signature", () => rig.post({ headers: { "upstash-signature": "" } })],
    ["with a signature that is none", () => rig.post({ headers: { "upstash-signature": "a.b.c" } })],
    [
      "with a signature over the limit",
      () => rig.post({ headers: { "upstash-signature": "x".repeat(limits.signatureCharsMax + 1) } }),
    ],
    [
      "signed by the algorithm none",
      () =>
        rig.post({
          headers: {
            "upstash-signature": unsigned(signDelivery({ url: app.url + executeStep, body: rig.trigger(), key: "k" })),
          },
        }),
    ],
  ])("%s is 401, and nothing is read or written", async (_what, sending) => {
    const refused = await expectRefused(rig, sending);
    expect(refused.json).toMatchObject({ code: "invalid_signature", detail: "The signature does not hold." });
  });

  it("is refused when any byte of it was changed on the way", async () => {
    const body = rig.trigger();
    const signature = signDelivery({ url: app.url + executeStep, body, key: app.stack.currentSigningKey });
    const changed = [0, 1, Math.floor(body.length / 2), body.length - 1].map(
      (at) => `${body.slice(0, at)}${body[at] === "1" ? "2" : "1"}${body.slice(at + 1)}`,
    );
    for (const other of [...changed, `${body} `, body.slice(1), ""]) {
      const sending = () => rig.post({ body: other, headers: { "upstash-signature": signature } });
      expect((await expectRefused(rig, sending)).json).toMatchObject({ code: "invalid_signature" });
    }
  });

  it("is taken a little late, for clocks differ", async () => {
    const exp = nowSeconds() - limits.clockToleranceSeconds + 10;
    expect((await rig.deliver({ claims: { exp } })).status).toBe(200);
  });

  it.each([executeStep, "/api/engine/call-result", "/api/engine/continue-turn", "/api/engine/resume"])(
    "to %s has to be signed",
    async (path) => {
      await expectRefused(rig, () => rig.post({ path }));
      await expectRefused(rig, () => rig.deliver({ path, key: "sig_of_somebody_else" }));
      expect((await app.fetch(path)).status).toBe(404);
    },
  );

  it("that is replayed is answered with 200 and changes nothing that counts", async () => {
    await rig.signal();
    const sent = { body: rig.trigger({ after: 1 }), headers: { "upstash-message-id": "msg_1" } };
    expect((await rig.deliver(sent)).json).toEqual({ outcome: "completed" });
    const before = {
      view: await rig.runs.view(rig.runId),
      events: await rig.runs.events(rig.runId),
      receipt: await rig.runs.receipt(rig.runId),
    };
    const entries = await rig.journal();
    for (const again of [sent, sent, { ...sent, body: rig.trigger() }]) {
      expect(await rig.deliver(again)).toMatchObject({ status: 200, json: { outcome: "stale" } });
    }
    expect({
      view: await rig.runs.view(rig.runId),
      events: await rig.runs.events(rig.runId),
      receipt: await rig.runs.receipt(rig.runId),
    }).toEqual(before);
    // The list only grows: by an opening each time, which counts for nobody.
    const after = await rig.journal();
    expect(after.slice(0, entries.length)).toEqual(entries);
    expect(after.slice(entries.length).map((entry) => entry.split(" ")[3])).toEqual(["opened", "opened", "opened"]);
  });

  it("for a run that another segment has asks to be tried again when that may be dead, and at last gives up", async () => {
    const now = Date.now();
    await rig.push(`alive 0 ${now} opened {"leaseMs":${limits.leaseMs}}`);
    const held = await rig.deliver({ headers: { "upstash-message-id": "msg_2" } });
    expect([held.status, held.json]).toEqual([503, { outcome: "held" }]);
    expect(Number(held.headers.get("Retry-After"))).toBeGreaterThanOrEqual(29);
    expect(Number(held.headers.get("Retry-After"))).toBeLessThanOrEqual(31);
    const last = await rig.deliver({ headers: { "upstash-message-id": "msg_2", "upstash-retried": "2" } });
    expect(last).toMatchObject({ status: 200, json: { outcome: "held" } });
  });

  it("that comes again while its first try has the lease takes over at once: that segment is dead", async () => {
    await rig.signal();
    await rig.push(
      `dead 0 ${Date.now()} opened {"leaseMs":${limits.leaseMs},"delivery":{"messageId":"msg_3","retried":0}}`,
    );
    const again = await rig.deliver({ headers: { "upstash-message-id": "msg_3", "upstash-retried": "1" } });
    expect(again).toMatchObject({ status: 200, json: { outcome: "completed" } });
  });

  it("of 10 MB is 413 before its signature is looked at, with or without a length", async () => {
    const body = "x".repeat(10 * 1024 * 1024);
    const refused = await expectRefused(rig, () => rig.deliver({ body }), 413);
    expect(refused.json).toMatchObject({ code: "body_too_large" });
    await expectRefused(
      rig,
      async () => {
        const stream = new Response(body).body!;
        const headers = {
          "upstash-signature": signDelivery({ url: app.url + executeStep, body, key: app.stack.currentSigningKey }),
        };
        const response = await app.fetch(executeStep, {
          method: "POST",
          body: stream,
          headers,
          duplex: "half",
        } as RequestInit);
        const json = (await response.json()) as Record<string, unknown>;
        return { status: response.status, headers: response.headers, json };
      },
      413,
    );
  });

  it("at the limit is read, and one byte above is 413", async () => {
    const padded = (bytes: number) => rig.trigger() + " ".repeat(bytes - rig.trigger().length);
    expect((await rig.deliver({ body: padded(limits.triggerBodyBytesMax) })).status).toBe(200);
    await expectRefused(rig, () => rig.deliver({ body: padded(limits.triggerBodyBytesMax + 1) }), 413);
  });

  it.each([
    ["malformed JSON", () => "{"],
    ["nothing", () => ""],
    ["no object", () => "[]"],
    ["null", () => "null"],
    ["no run", () => JSON.stringify({ userId: rig.userId, definition: "x@1" })],
    ["a user id that is none", () => rig.trigger({ userId: "usr_}{" })],
    ["a run id that is none", () => rig.trigger({ runId: "run_1" })],
    ["a definition over the limit", () => rig.trigger({ definition: "d".repeat(129) })],
    ["a negative place", () => rig.trigger({ after: -1 })],
    ["a place that is no number", () => rig.trigger({ after: "1" })],
  ])("that holds %s is 489 and never tried again", async (_what, body) => {
    const refused = await expectRefused(rig, () => rig.deliver({ body: body() }), 489);
    expect(refused.json).toEqual({ outcome: "refused" });
    expect((await rig.deliver({ body: body() })).headers.get("Upstash-NonRetryable-Error")).toBe("true");
  });

  it("for an unknown run is 200, and makes none", async () => {
    const unknown = `run_${"0".repeat(32)}`;
    expect(await rig.deliver({ body: rig.trigger({ runId: unknown }) })).toMatchObject({
      status: 200,
      json: { outcome: "unknown" },
    });
    expect(await redisCommand(app.stack, ["EXISTS", `runs:{${rig.userId}}:${unknown}:journal`])).toBe(0);
  });

  it("whose run needs Redis while that is down is 503 with Retry-After, and succeeds when it comes again", async () => {
    await rig.signal();
    app.stack.faults.add({ server: "redis", action: "drop-before", count: 1 });
    const failed = await rig.deliver();
    expect([failed.status, failed.json["code"]]).toEqual([503, "redis_unavailable"]);
    expect(failed.headers.get("Retry-After")).not.toBeNull();
    expect((await rig.deliver()).json).toEqual({ outcome: "completed" });
  });
});
