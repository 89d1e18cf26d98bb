import { Receiver } from "@upstash/qstash";
import { describe, expect, it } from "vitest";
import { signDelivery } from "../../stack/qstash/signature.ts";
import { at, startQstash, type Delivery } from "./qstash-rig.ts";

const signed = ({ headers, body }: Delivery) => ({ signature: String(headers["upstash-signature"]), body });

describe("the signature", () => {
  it("is accepted by the official receiver for the body and the URL that were published", async () => {
    const { client, receiver, destination, idle } = await startQstash();
    await client.publishJSON({ url: destination.url, body: { n: 1 } });
    await idle();
    const request = signed(at(destination.deliveries, 0));
    expect(await receiver.verify({ ...request, url: destination.url })).toBe(true);
  });

  it("covers an empty body", async () => {
    const { client, receiver, destination, idle } = await startQstash();
    await client.publish({ url: destination.url });
    await idle();
    expect(await receiver.verify(signed(at(destination.deliveries, 0)))).toBe(true);
  });

  it("is accepted by a receiver that has the key as its current or as its next one, and as neither is refused", async () => {
    const { client, destination, idle, call } = await startQstash();
    await client.publish({ url: destination.url, body: "mine" });
    await idle();
    const request = signed(at(destination.deliveries, 0));
    const { current: key } = (await (await call("GET", "/v2/keys")).json()) as { current: string };
    const receiver = (currentSigningKey: string, nextSigningKey: string) =>
      new Receiver({ currentSigningKey, nextSigningKey, devMode: false });
    expect(await receiver(key, "sig_other").verify(request)).toBe(true);
    expect(await receiver("sig_other", key).verify(request)).toBe(true);
    await expect(receiver("sig_other", "sig_another").verify(request)).rejects.toThrow("signature verification failed");
  });

  it("is refused for another body, another URL and another key", async () => {
    const { client, receiver, destination, idle } = await startQstash();
    await client.publish({ url: destination.url, body: "mine" });
    await idle();
    const request = signed(at(destination.deliveries, 0));
    const stranger = new Receiver({ currentSigningKey: "sig_x", nextSigningKey: "sig_y", devMode: false });
    await expect(receiver.verify({ ...request, body: "yours" })).rejects.toThrow("body hash");
    await expect(receiver.verify({ ...request, url: "http://elsewhere.example/" })).rejects.toThrow("subject");
    await expect(stranger.verify(request)).rejects.toThrow("signature verification failed");
  });

  it("has the claims of QStash, and a new id in each attempt", async () => {
    const { client, destination, idle, clock } = await startQstash();
    destination.answer(() => ({ status: 500 }));
    await client.publish({ url: destination.url, body: "x", retries: 1 });
    await idle();
    await clock.advance(12_000);
    const [first, second] = destination.deliveries.map((delivery) => claimsOf(signed(delivery).signature));
    expect(first?.header).toEqual({ alg: "HS256", typ: "JWT" });
    expect(first?.claims).toMatchObject({
      iss: "Upstash",
      sub: destination.url,
      nbf: 0,
      jti: expect.stringMatching(/^jwt_/),
      body: "LXEWQrcmsEQBYnyp-6wy9chTD7GQPMTbAiWHF5IaSIE=",
    });
    expect(Number(first?.claims["exp"]) - Number(first?.claims["iat"])).toBe(300);
    expect(second?.claims["jti"]).not.toBe(first?.claims["jti"]);
  });

  it("is still accepted after a rotation, by a receiver that knows the old pair and by one that knows the new", async () => {
    const { client, receiver, destination, idle, call } = await startQstash();
    const rotated = (await (await call("POST", "/v2/keys/rotate")).json()) as { current: string; next: string };
    await client.publish({ url: destination.url, body: "after" });
    await idle();
    const request = signed(at(destination.deliveries, 0));
    const renewed = new Receiver({ currentSigningKey: rotated.current, nextSigningKey: rotated.next, devMode: false });
    expect(await (await call("GET", "/v2/keys")).json()).toEqual(rotated);
    // The old pair verifies by its second key, the new one by its first.
    expect(await receiver.verify(request)).toBe(true);
    expect(await renewed.verify(request)).toBe(true);
  });

  it("is refused by the old pair after the second rotation", async () => {
    const { client, receiver, destination, idle, call } = await startQstash();
    await call("POST", "/v2/keys/rotate");
    await call("POST", "/v2/keys/rotate");
    await client.publish({ url: destination.url, body: "later" });
    await idle();
    await expect(receiver.verify(signed(at(destination.deliveries, 0)))).rejects.toThrow(
      "signature verification failed",
    );
  });

  it("is refused when any byte of the body, or of the signature itself, is another one", async () => {
    const { client, receiver, destination, idle } = await startQstash();
    await client.publish({ url: destination.url, body: "every byte" });
    await idle();
    const { signature, body } = signed(at(destination.deliveries, 0));
    const [header = "", claims = "", mac = ""] = signature.split(".");
    const changed = (text: string, encoding: "utf8" | "base64url") =>
      Array.from(Buffer.from(text, encoding), (_, index) => {
        const bytes = Buffer.from(text, encoding);
        bytes[index] = (bytes[index] ?? 0) ^ 1;
        return bytes.toString(encoding);
      });
    const forged = [
      ...changed(body, "utf8").map((other) => ({ signature, body: other })),
      ...changed(mac, "base64url").map((other) => ({ signature: `${header}.${claims}.${other}`, body })),
      ...changed(claims, "base64url").map((other) => ({ signature: `${header}.${other}.${mac}`, body })),
      ...changed(header, "base64url").map((other) => ({ signature: `${other}.${claims}.${mac}`, body })),
      { signature: `${header}.${claims}.`, body },
      { signature: `${Buffer.from('{"alg":"none"}').toString("base64url")}.${claims}.`, body },
      { signature: "", body },
    ];
    const accepted = await Promise.all(forged.map((request) => receiver.verify(request).catch(() => false)));
    expect(accepted.filter((isAccepted) => isAccepted)).toEqual([]);
    expect(accepted.length).toBeGreaterThan(200);
  });
});

describe("the times of the signature", () => {
  const url = "http://127.0.0.1/hook";
  const key = "sig_0123456789";
  // The receiver tells why the second key failed, so it gets the right one twice.
  const receiver = new Receiver({ currentSigningKey: key, nextSigningKey: key, devMode: false });

  /** As if the receiver's clock were `aheadMs` ahead of ours. */
  function verify(aheadMs: number, clockTolerance?: number): Promise<boolean> {
    const body = "x";
    const issuedAtMs = Date.now() - aheadMs;
    const signature = signDelivery({ url, body: Buffer.from(body), signingKey: key, issuedAtMs });
    return receiver.verify({ signature, body, url, ...(clockTolerance !== undefined && { clockTolerance }) });
  }

  it("allow a receiver that is up to five minutes ahead, and its tolerance more", async () => {
    expect(await verify(280_000)).toBe(true);
    await expect(verify(320_000)).rejects.toThrow("exp");
    expect(await verify(320_000, 60)).toBe(true);
    await expect(verify(400_000, 60)).rejects.toThrow("exp");
  });

  it("allow a receiver that is behind by whatever it is, for the claim nbf is 0", async () => {
    expect(await verify(-20_000)).toBe(true);
    expect(await verify(-86_400_000)).toBe(true);
  });
});

function claimsOf(signature: string): { header: unknown; claims: Record<string, unknown> } {
  const [header, claims] = signature
    .split(".")
    .slice(0, 2)
    .map((part) => JSON.parse(Buffer.from(part, "base64url").toString("utf8")) as Record<string, unknown>);
  return { header, claims: claims ?? {} };
}
