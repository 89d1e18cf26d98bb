/**
 * Reads what a request presents: of several the most explicit one counts. What a program writes into a header is meant, a ticket was
 * asked for, and a cookie only comes along. What does not hold is not made up for by another.
 */
import type { Claim, KeyClaim, NoClaim, SessionClaim, TicketClaim, VouchedClaim } from "./claim.ts";
import { isKeyToken } from "./api-key-token.ts";

export interface Presented {
  /** The whole `Authorization` header. */
  readonly authorization: string | undefined;
  /** What the user is called in whose name an API key is used. */
  readonly actAs: string | undefined;
  /** The operators' key and the tenant whose operator they are. */
  readonly operator: { readonly key: string; readonly tenant: string } | undefined;
  readonly ticket: string | undefined;
  readonly cookie: string | undefined;
  /** What is asked for, without the query. */
  readonly path: string;
}

export interface ClaimReaders {
  readonly session: (token: string | undefined) => Promise<NoClaim | SessionClaim>;
  readonly key: (token: string, actAs: string | undefined) => Promise<NoClaim | KeyClaim>;
  readonly ticket: (ticket: string, path: string) => Promise<NoClaim | TicketClaim>;
  readonly operator: (key: string, tenant: string) => Promise<NoClaim | VouchedClaim>;
  /** Checks a token of the identity provider; absent where there is none. */
  readonly token: ((token: string) => Promise<NoClaim | VouchedClaim>) | undefined;
}

export async function readPresented(readers: ClaimReaders, presented: Presented): Promise<Claim> {
  const { authorization, actAs, operator, ticket, cookie, path } = presented;
  if (authorization !== undefined) {
    const bearer = /^Bearer +([^\s]+) *$/i.exec(authorization)?.[1];
    if (bearer === undefined) return { kind: "forged" };
    if (isKeyToken(bearer)) return readers.key(bearer, actAs);
    // Nobody but a key acts for others; who believes to do so is not let in as somebody else.
    if (actAs !== undefined || readers.token === undefined) return { kind: "forged" };
    return readers.token(bearer);
  }
  if (actAs !== undefined) return { kind: "forged" };
  if (operator !== undefined) return readers.operator(operator.key, operator.tenant);
  return ticket === undefined ? readers.session(cookie) : readers.ticket(ticket, path);
}
