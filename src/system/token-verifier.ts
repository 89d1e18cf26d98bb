/** Tokens of the customer's identity provider, checked by the `jose` library: signature, algorithm, issuer, audience, times. */
import { errors, jwtVerify, type JWTPayload } from "jose";
import type { IdentityProvider } from "../config/identity-provider.ts";
import { AppError } from "../core/errors.ts";
import { limits } from "../core/limits.ts";
import type { Clock } from "../core/ports.ts";
import type { NoClaim, VouchedClaim } from "../session/claim.ts";
import { identityOfToken } from "../session/derived-identity.ts";
import { createJwks, isolateMemory, type JwksMemory } from "./jwks.ts";

export interface TokenVerifierParts {
  readonly provider: IdentityProvider;
  readonly clock: Clock;
  readonly fetch: (url: string, init: RequestInit) => Promise<Response>;
  /** The isolate's without it. */
  readonly memory?: JwksMemory;
}

/** Never throws for what a token may hold. @throws identity_provider_unavailable (retry) */
export function tokenVerifier(parts: TokenVerifierParts): (token: string) => Promise<NoClaim | VouchedClaim> {
  const verify = signatureCheck(parts);
  return async (token) => {
    if (token.length > limits.tokenCharsMax) return { kind: "forged" };
    try {
      const identity = await identityOfToken(await verify(token), parts.provider);
      return identity === undefined ? { kind: "forged" } : { kind: "vouched", userId: identity.userId, identity };
    } catch (error) {
      if (error instanceof AppError) throw error;
      return { kind: error instanceof errors.JWTExpired ? "expired" : "forged" };
    }
  };
}

function signatureCheck({
  provider,
  clock,
  fetch,
  memory,
}: TokenVerifierParts): (token: string) => Promise<JWTPayload> {
  const { issuer, audience, algorithm, keys } = provider;
  const options = () => ({
    issuer,
    audience,
    algorithms: [algorithm],
    clockTolerance: limits.clockToleranceSeconds,
    requiredClaims: ["exp", "sub"],
    currentDate: new Date(clock.now()),
  });
  if (keys.kind === "secret") {
    const secret = new TextEncoder().encode(keys.secret.reveal());
    return async (token) => (await jwtVerify(token, secret, options())).payload;
  }
  const { url } = keys;
  return async (token) => {
    const jwks = createJwks({ url, fetch, clock, memory: memory ?? isolateMemory(url) });
    const known = await jwks.current();
    try {
      return (await jwtVerify(token, known, options())).payload;
    } catch (error) {
      const newer = error instanceof errors.JWKSNoMatchingKey ? await jwks.newer(known) : undefined;
      if (newer === undefined) throw error;
      return (await jwtVerify(token, newer, options())).payload;
    }
  };
}
