/**
 * The identity of a user whom somebody else knows: made from what they are called there, the same each time.
 *
 * Users and tenants of others get ids of our form by hashing, so that nothing that a token says gets into a key, and nobody can be
 * called like a user of another tenant or like a guest.
 */
import { sha256Hex } from "../core/sha256.ts";
import type { Identity } from "./identity.ts";
import { isScope, scopes, userScopes, type Scope } from "./scope.ts";

/** The claims of a token, after its signature, issuer, audience and times were checked. */
export type TokenClaims = Readonly<Record<string, unknown>>;

const nameCharsMax = 255;
/** Of everybody, where tokens do not tell tenants apart. */
const onlyTenant = "default";
/** Providers put words of their own into `scope` (`openid`, `email`); ours begin so. */
const scopePrefix = "skipstone:";

/** `undefined` for a token that does not say who it is about. */
export async function identityOfToken(
  claims: TokenClaims,
  { issuer, tenantClaim }: { readonly issuer: string; readonly tenantClaim: string | undefined },
): Promise<Identity | undefined> {
  const subject = claims["sub"];
  const tenantName = tenantClaim === undefined ? onlyTenant : claims[tenantClaim];
  if (!isName(subject) || !isName(tenantName)) return undefined;
  const tenant = await tenantIdOf(issuer, tenantName);
  return { userId: await userIdOf(tenant, subject), tenant, scopes: scopesOf(claims) };
}

export async function tenantIdOf(issuer: string, name: string): Promise<string> {
  return `tnt_${(await sha256Hex(JSON.stringify(["tenant", issuer, name]))).slice(0, 32)}`;
}

/** @param subject what the user is called in that tenant. */
export async function userIdOf(tenant: string, subject: string): Promise<string> {
  return `usr_${(await sha256Hex(JSON.stringify(["user", tenant, subject]))).slice(0, 32)}`;
}

/** Whoever has the operators' key, in the name of a tenant: to make the first keys that act for its users. */
export async function operatorOf(tenant: string): Promise<Identity> {
  // Hashed unlike a user: no subject of a token is the operator.
  const hash = await sha256Hex(JSON.stringify(["operator", tenant]));
  return { userId: `usr_${hash.slice(0, 32)}`, tenant, scopes };
}

/** What can name a user or a tenant. */
export function isName(value: unknown): value is string {
  return typeof value === "string" && value.length > 0 && value.length <= nameCharsMax;
}

/** Those of ours that the token names; a token that names none is a user's own. Source: RFC 9068, 2.2.3; `scp` is what some providers write. */
function scopesOf(claims: TokenClaims): readonly Scope[] {
  const named = [claims["scope"], claims["scp"]]
    .flat()
    .flatMap((value) => (typeof value === "string" ? value.split(" ") : []))
    .filter((word) => word.startsWith(scopePrefix));
  if (named.length === 0) return userScopes;
  return [...new Set(named.map((word) => word.slice(scopePrefix.length)).filter(isScope))];
}
