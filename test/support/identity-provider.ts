/** A customer's identity provider: makes keys, signs tokens, publishes what they are checked with. */
import { exportJWK, generateKeyPair, SignJWT, type CryptoKey, type JWK } from "jose";

export interface TestProvider {
  readonly issuer: string;
  readonly audience: string;
  /** The published keys; a test may change them. */
  readonly jwks: { keys: JWK[] };
  /** A new key under this id; tokens are signed with it from now on. */
  rotate(kid: string): Promise<void>;
  /** A token that holds, but for what the test changes. */
  sign(claims?: Record<string, unknown>, header?: Record<string, unknown>): Promise<string>;
}

export async function testProvider(nowMs = Date.now()): Promise<TestProvider> {
  const issuer = "https://login.customer.example/";
  const audience = "skipstone-app";
  const jwks: { keys: JWK[] } = { keys: [] };
  let key: { readonly kid: string; readonly privateKey: CryptoKey } | undefined;

  async function rotate(kid: string): Promise<void> {
    const { privateKey, publicKey } = await generateKeyPair("ES256");
    key = { kid, privateKey };
    jwks.keys = [...jwks.keys, { ...(await exportJWK(publicKey)), kid, alg: "ES256", use: "sig" }];
  }

  await rotate("first");
  return {
    issuer,
    audience,
    jwks,
    rotate,
    async sign(claims = {}, header = {}) {
      const nowSeconds = Math.floor(nowMs / 1000);
      const payload = { iss: issuer, aud: audience, sub: "alice", iat: nowSeconds, exp: nowSeconds + 300, ...claims };
      return new SignJWT(payload).setProtectedHeader({ alg: "ES256", kid: key!.kid, ...header }).sign(key!.privateKey);
    },
  };
}
