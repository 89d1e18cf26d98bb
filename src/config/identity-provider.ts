import type { Secret } from "../core/secret.ts";
import type { BindingReader } from "./binding-reader.ts";

/** Who vouches for users beside ourselves, by signed tokens (JWT). */
export interface IdentityProvider {
  /** `iss`, exactly. */
  readonly issuer: string;
  /** One of `aud`, exactly. */
  readonly audience: string;
  /** The only one that is taken, whatever a token says of itself. */
  readonly algorithm: (typeof algorithms)[number];
  readonly keys: { readonly kind: "jwks"; readonly url: string } | { readonly kind: "secret"; readonly secret: Secret };
  /** The claim that says which customer's user it is; absent: all are of one. */
  readonly tenantClaim: string | undefined;
}

const publicKeyAlgorithms = ["RS256", "RS384", "RS512", "PS256", "PS384", "PS512", "ES256", "ES384", "EdDSA"] as const;
const secretAlgorithms = ["HS256", "HS384", "HS512"] as const;
const algorithms = [...publicKeyAlgorithms, ...secretAlgorithms] as const;
const names = [
  "AUTH_ISSUER",
  "AUTH_AUDIENCE",
  "AUTH_JWKS_URL",
  "AUTH_JWT_SECRET",
  "AUTH_ALGORITHM",
  "AUTH_TENANT_CLAIM",
];
/** Of HS256: a shorter one is weaker than the signature. Source: RFC 7518, 3.2. */
const secretCharsMin = 32;

export function readIdentityProvider(
  read: BindingReader,
  environment: "development" | "production",
): IdentityProvider | undefined {
  if (!names.some((name) => read.has(name))) return undefined;
  const keys = readKeys(read, environment);
  return {
    issuer: read.text(["AUTH_ISSUER"], "the `iss` of your identity provider's tokens"),
    audience: read.text(["AUTH_AUDIENCE"], "the `aud` that your identity provider writes into tokens for this app"),
    algorithm: readAlgorithm(read, keys.kind),
    keys,
    tenantClaim: read.has("AUTH_TENANT_CLAIM") ? read.text(["AUTH_TENANT_CLAIM"], "") : undefined,
  };
}

function readKeys(read: BindingReader, environment: "development" | "production"): IdentityProvider["keys"] {
  if (read.has("AUTH_JWKS_URL") && read.has("AUTH_JWT_SECRET")) {
    read.problems.push("AUTH_JWKS_URL and AUTH_JWT_SECRET are both set: tokens are checked by one of them.");
  }
  if (read.has("AUTH_JWT_SECRET")) {
    const secret = read.secret(["AUTH_JWT_SECRET"], "");
    if (secret.reveal().length < secretCharsMin)
      read.problems.push(`AUTH_JWT_SECRET has fewer than ${secretCharsMin} characters.`);
    return { kind: "secret", secret };
  }
  const url = read.url(["AUTH_JWKS_URL"], "where your identity provider publishes its keys; or set AUTH_JWT_SECRET");
  const isGuarded = environment === "development" || url.startsWith("https:");
  if (url !== "" && (!isGuarded || URL.parse(url)?.username !== "")) {
    read.problems.push(
      "AUTH_JWKS_URL must be an https URL without a user name in it: whoever answers there vouches for users.",
    );
  }
  return { kind: "jwks", url };
}

function readAlgorithm(read: BindingReader, kind: IdentityProvider["keys"]["kind"]): IdentityProvider["algorithm"] {
  const fitting = kind === "jwks" ? publicKeyAlgorithms : secretAlgorithms;
  return read.has("AUTH_ALGORITHM") ? read.oneOf("AUTH_ALGORITHM", fitting) : fitting[0];
}
