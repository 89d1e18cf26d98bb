/**
 * The use cases of a session: open one, read a cookie, renew it, list and end them.
 */
import { newUserId } from "../core/ids.ts";
import type { Clock, Random } from "../core/ports.ts";
import type { NoClaim, SessionClaim } from "./claim.ts";
import { guestTenant, type Identity } from "./identity.ts";
import { userScopes } from "./scope.ts";
import { createSessionTokens, type IssuedToken } from "./session-token.ts";
import type { ListedSession, SessionRef, SessionStore } from "./session.ts";
import type { Signer } from "./signer.ts";

export interface Sessions {
  /** Opens a session, without an identity for a new guest: then each call makes another user. Not idempotent. One round trip. */
  open(identity?: Identity): Promise<IssuedToken>;
  /** What the presented cookie says, without storage; see `SessionTokens.read`. */
  claim(token: string | undefined): Promise<NoClaim | SessionClaim>;
  /** The token to hand out again, or `undefined` while the presented one is fresh. No I/O. */
  renewal(claim: SessionClaim): Promise<IssuedToken | undefined>;
  /** The user's sessions, newest first. Two round trips. */
  list(userId: string): Promise<readonly ListedSession[]>;
  /** Ends a session; ending it again changes nothing. One round trip. */
  end(ref: SessionRef): Promise<void>;
  /** Ends all sessions that the user has when it is called; one that is opened meanwhile may stay. Three round trips. */
  endAll(userId: string): Promise<number>;
}

export interface SessionsOptions {
  readonly store: SessionStore;
  readonly signer: Signer;
  readonly clock: Clock;
  readonly random: Random;
}

export function createSessions(options: SessionsOptions): Sessions {
  const { store, clock, random } = options;
  const tokens = createSessionTokens(options);
  return {
    async open(identity = { userId: newUserId(random), tenant: guestTenant, scopes: userScopes }) {
      const { userId, tenant, scopes } = identity;
      const issued = await tokens.issue(userId);
      await store.put(issued.ref, { userId, tenant, scopes, createdAtMs: clock.now() });
      return issued;
    },
    claim: (token) => tokens.read(token),
    renewal: async (claim) => (claim.isRenewalDue ? tokens.renew(claim) : undefined),
    list: (userId) => store.list(userId),
    end: (ref) => store.remove(ref.userId, [ref.secretHash]),
    async endAll(userId) {
      const ended = (await store.list(userId)).map(({ ref }) => ref.secretHash);
      if (ended.length > 0) await store.remove(userId, ended);
      return ended.length;
    },
  };
}
