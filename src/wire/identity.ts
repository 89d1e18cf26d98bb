import type { ClaimReaders } from "../session/claims.ts";
import { readPresented } from "../session/claims.ts";
import { createSessions } from "../session/sessions.ts";
import type { EdgeWire } from "../http/edge-wire.ts";
import { upstashSessionStore } from "../upstash/session-store.ts";
import type { Adapters } from "./adapters.ts";

/** Who is asking: everything that a request may present. */
export function createIdentityWire(adapters: Adapters): Pick<EdgeWire, "sessions" | "readClaim"> {
  const { config, redis, clock, random } = adapters;
  const sessions = createSessions({ store: upstashSessionStore(redis), secret: config.sessionSecret, clock, random });
  const readers: ClaimReaders = { session: sessions.claim, token: lateVerifier(adapters) };
  return { sessions, readClaim: (presented) => readPresented(readers, presented) };
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
