/**
 * The session cookie's value: `<userId>.<secret>.<expiry>.<signature>`.
 *
 * 1. The signature is HMAC-SHA-256 over everything before it; WebCrypto compares it in constant time.
 * 2. The expiry (unix seconds) is signed too, so an old copy of a cookie does not live for ever.
 * 3. The storage knows the secret's hash only.
 *
 * It does not say whether the session still exists; that is the store's word.
 */
import { isUserId } from "../core/ids.ts";
import { limits } from "../core/limits.ts";
import type { Clock, Random } from "../core/ports.ts";
import { sha256Hex } from "../core/sha256.ts";
import { decodeBase64Url, encodeBase64Url } from "./base64-url.ts";
import type { NoClaim, SessionClaim } from "./claim.ts";
import type { SessionRef } from "./session.ts";
import type { Signer } from "./signer.ts";

export interface IssuedToken {
  readonly token: string;
  readonly ref: SessionRef;
  readonly expiresAtMs: number;
}

export interface SessionTokens {
  /** A token for a new session of this user. */
  issue(userId: string): Promise<IssuedToken>;
  /** A token for the same session with a full lifetime from now. */
  renew(claim: SessionClaim): Promise<IssuedToken>;
  /** Checks signature and expiry; costs no I/O and never throws for what a client may send. */
  read(token: string | undefined): Promise<NoClaim | SessionClaim>;
}

const secretBytes = 32;
/** A session in use is signed anew, and its record kept longer, at most once in this time. */
const renewAfterMs = 60 * 60 * 1000;

export function createSessionTokens(o: { signer: Signer; clock: Clock; random: Random }): SessionTokens {
  async function sign(userId: string, sessionSecret: string): Promise<IssuedToken> {
    const expirySeconds = Math.floor(o.clock.now() / 1000) + limits.sessionTtlSeconds;
    const claims = `${userId}.${sessionSecret}.${expirySeconds}`;
    const signature = await o.signer.sign(claims);
    return {
      token: `${claims}.${encodeBase64Url(signature)}`,
      ref: { userId, secretHash: await sha256Hex(sessionSecret) },
      expiresAtMs: expirySeconds * 1000,
    };
  }

  return {
    issue: (userId) => sign(userId, encodeBase64Url(o.random.bytes(secretBytes))),
    renew: (claim) => sign(claim.ref.userId, claim.sessionSecret),
    async read(token) {
      if (token === undefined || token === "") return { kind: "none" };
      const parts = splitToken(token);
      if (parts === undefined) return { kind: "forged" };
      if (!(await o.signer.verify(parts.claims, parts.signature))) return { kind: "forged" };
      if (parts.expiresAtMs <= o.clock.now()) return { kind: "expired" };
      const { userId, sessionSecret, expiresAtMs } = parts;
      const ageMs = limits.sessionTtlSeconds * 1000 - (expiresAtMs - o.clock.now());
      return {
        kind: "session",
        userId,
        ref: { userId, secretHash: await sha256Hex(sessionSecret) },
        expiresAtMs,
        sessionSecret,
        isRenewalDue: ageMs >= renewAfterMs,
      };
    },
  };
}

function splitToken(token: string) {
  if (token.length > limits.sessionCookieCharsMax) return undefined;
  const [userId, sessionSecret, expiry, signatureText, ...rest] = token.split(".");
  if (!isUserId(userId) || !sessionSecret || !signatureText || rest.length > 0) return undefined;
  if (expiry === undefined || !/^\d{1,12}$/.test(expiry)) return undefined;
  const signature = decodeBase64Url(signatureText);
  if (signature === undefined) return undefined;
  const claims = `${userId}.${sessionSecret}.${expiry}`;
  return { claims, userId, sessionSecret, expiresAtMs: Number(expiry) * 1000, signature };
}
