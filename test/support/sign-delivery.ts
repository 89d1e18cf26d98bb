import { createHash, createHmac } from "node:crypto";

export interface Claims {
  readonly iss?: string;
  readonly sub?: string;
  readonly exp?: number;
  readonly nbf?: number;
  readonly body?: string;
}

/** `Upstash-Signature` for a delivery, as QStash makes it, with any claim replaced. Times are unix seconds. */
export function signDelivery(
  delivery: { readonly url: string; readonly body: string; readonly key: string },
  claims: Claims = {},
): string {
  const now = Math.floor(Date.now() / 1_000);
  const whole = {
    iss: "Upstash",
    sub: delivery.url,
    exp: now + 300,
    nbf: now,
    iat: now,
    jti: "jwt_test",
    body: createHash("sha256").update(delivery.body).digest("base64url"),
    ...claims,
  };
  const signed = `${encode({ alg: "HS256", typ: "JWT" })}.${encode(whole)}`;
  return `${signed}.${createHmac("sha256", delivery.key).update(signed).digest("base64url")}`;
}

/** The same claims without a signature, by the algorithm that needs none. */
export function unsigned(token: string): string {
  return `${encode({ alg: "none", typ: "JWT" })}.${token.split(".")[1]}.`;
}

function encode(value: object): string {
  return Buffer.from(JSON.stringify(value)).toString("base64url");
}
