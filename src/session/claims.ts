/**
 * Reads what a request presents: of several the most explicit one counts. What a program writes into `Authorization` is meant; a
 * cookie only comes along. A bearer that does not hold is not made up for by a cookie.
 */
import type { Claim, NoClaim, SessionClaim, VouchedClaim } from "./claim.ts";

export interface Presented {
  /** The whole `Authorization` header. */
  readonly authorization: string | undefined;
  readonly cookie: string | undefined;
}

export interface ClaimReaders {
  readonly session: (token: string | undefined) => Promise<NoClaim | SessionClaim>;
  /** Checks a token of the identity provider; absent where there is none. */
  readonly token: ((token: string) => Promise<NoClaim | VouchedClaim>) | undefined;
}

export async function readPresented(readers: ClaimReaders, presented: Presented): Promise<Claim> {
  const { authorization, cookie } = presented;
  if (authorization === undefined) return readers.session(cookie);
  const bearer = /^Bearer +([^\s]+) *$/i.exec(authorization)?.[1];
  if (bearer === undefined || readers.token === undefined) return { kind: "forged" };
  return readers.token(bearer);
}
