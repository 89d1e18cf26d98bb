import { createHash, createHmac, randomUUID } from "node:crypto";

const lifetimeSeconds = 300;
const encodedHeader = encode({ alg: "HS256", typ: "JWT" });

/**
 * The `Upstash-Signature` of one delivery attempt: a JWS with the claims of QStash, its key the bytes of the key string as
 * it is written. `issuedAtMs` is of the real clock, for the verifier's does not follow ours.
 * Source: protocol document, B.4. `nbf` is 0, so that a skewed clock refuses nothing; the body hash keeps its padding.
 */
export function signDelivery(delivery: { url: string; body: Buffer; signingKey: string; issuedAtMs: number }): string {
  const issuedAtSeconds = Math.floor(delivery.issuedAtMs / 1_000);
  const claims = {
    iss: "Upstash",
    sub: delivery.url,
    exp: issuedAtSeconds + lifetimeSeconds,
    nbf: 0,
    iat: issuedAtSeconds,
    jti: `jwt_${randomUUID().replaceAll("-", "")}`,
    body: padded(createHash("sha256").update(delivery.body).digest("base64url")),
  };
  const signed = `${encodedHeader}.${encode(claims)}`;
  return `${signed}.${createHmac("sha256", delivery.signingKey).update(signed).digest("base64url")}`;
}

function encode(value: object): string {
  return Buffer.from(JSON.stringify(value)).toString("base64url");
}

function padded(base64url: string): string {
  return base64url + "=".repeat((4 - (base64url.length % 4)) % 4);
}
