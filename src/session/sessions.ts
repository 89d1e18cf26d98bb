/**
 * The use cases of a session: open one, read a cookie, renew it, end it.
 */
import { newUserId } from "../core/ids.ts";
import { limits } from "../core/limits.ts";
import type { Clock, Random } from "../core/ports.ts";
import type { Secret } from "../core/secret.ts";
import { createSessionTokens } from "./session-token.ts";
import type { IssuedToken, SessionClaim, SignedClaim } from "./session-token.ts";
import type { SessionRef, SessionStore } from "./session.ts";

export interface Sessions {
  /** Opens a session for a new guest. Not idempotent: each call makes another user. One round trip, one command. */
  open(): Promise<IssuedToken>;
  /** What the presented cookie says, without storage; see `SessionTokens.read`. */
  claim(token: string | undefined): Promise<SessionClaim>;
  /** The token to hand out again, or `undefined` while the presented one is fresh. No I/O. */
  renewal(claim: SignedClaim): Promise<IssuedToken | undefined>;
  /** Ends a session; ending it again changes nothing. One round trip, one command. */
  end(ref: SessionRef): Promise<void>;
}

/** A cookie is signed anew at most once a day, so that not each answer carries one. */
const renewAfterMs = 24 * 60 * 60 * 1000;

export interface SessionsOptions {
  readonly store: SessionStore;
  readonly secret: Secret;
  readonly clock: Clock;
  readonly random: Random;
}

export function createSessions(options: SessionsOptions): Sessions {
  const { store, clock, random } = options;
  const tokens = createSessionTokens(options);
  return {
    async open() {
      const userId = newUserId(random);
      const issued = await tokens.issue(userId);
      await store.put(issued.ref, { userId, createdAtMs: clock.now() });
      return issued;
    },
    claim: (token) => tokens.read(token),
    async renewal(claim) {
      const ageMs = limits.sessionTtlSeconds * 1000 - (claim.expiresAtMs - clock.now());
      return ageMs < renewAfterMs ? undefined : tokens.renew(claim);
    },
    end: (ref) => store.remove(ref),
  };
}
