import type { EdgeWire } from "../http/edge-wire.ts";
import { createApiKeys } from "../session/api-keys.ts";
import { readPresented, type ClaimReaders } from "../session/claims.ts";
import { isName, operatorOf, tenantIdOf } from "../session/derived-identity.ts";
import { createSessions } from "../session/sessions.ts";
import { createSigner } from "../session/signer.ts";
import { createTickets } from "../session/tickets.ts";
import { isSameText } from "../session/same-text.ts";
import { upstashApiKeyStore } from "../upstash/api-key-store.ts";
import { upstashSessionStore } from "../upstash/session-store.ts";
import { upstashTicketStore } from "../upstash/ticket-store.ts";
import type { Adapters } from "./adapters.ts";
import { internalKeyOf } from "./internal-key.ts";

/** Who is asking: everything that a request may present. */
export function createIdentityWire(adapters: Adapters): Pick<EdgeWire, "sessions" | "keys" | "tickets" | "readClaim"> {
  const { config, redis, clock, random } = adapters;
  const parts = { signer: createSigner(config.sessionSecret), clock, random };
  const sessions = createSessions({ ...parts, store: upstashSessionStore(redis) });
  const keys = createApiKeys({ ...parts, store: upstashApiKeyStore(redis) });
  const tickets = createTickets({ ...parts, store: upstashTicketStore(redis) });
  const readers: ClaimReaders = {
    session: sessions.claim,
    key: keys.claim,
    ticket: tickets.claim,
    operator: operatorReader(adapters),
    token: lateVerifier(adapters),
  };
  return { sessions, keys, tickets, readClaim: (presented) => readPresented(readers, presented) };
}

/** An operator is let in by the key that the sweep has, in the name of a tenant as the identity provider calls it. */
function operatorReader({ config }: Adapters): ClaimReaders["operator"] {
  return async (key, tenantName) => {
    const isOperator = await isSameText(key, internalKeyOf(config).reveal());
    if (!isOperator || !isName(tenantName)) return { kind: "forged" };
    const identity = await operatorOf(await tenantIdOf(config.identityProvider?.issuer ?? "", tenantName));
    return { kind: "vouched", userId: identity.userId, identity };
  };
}

/** Most requests bring no token: what checks one is loaded by the first that does. */
function lateVerifier({ config, clock, fetch }: Adapters): ClaimReaders["token"] {
  const { identityProvider: provider } = config;
  if (provider === undefined) return undefined;
  return async (token) => {
    const { tokenVerifier } = await import("../system/token-verifier.ts");
    return tokenVerifier({ provider, clock, fetch })(token);
  };
}
