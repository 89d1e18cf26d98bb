/** Who is asking, however it was proven. */
import type { Scope } from "./scope.ts";

export interface Identity {
  readonly userId: string;
  /** Whose user that is: guests are the app's own, others their identity provider's. Keys reach no further than their tenant. */
  readonly tenant: string;
  readonly scopes: readonly Scope[];
  /** Model tokens that the user may spend in a day where this is narrower than everybody's; see `ApiKey`. */
  readonly tokensPerDay?: number | undefined;
  /** When the API key that proves it ends (unix ms), which no key that it makes outlives; absent: no end that keys would have to share. */
  readonly endsAtMs?: number | undefined;
}

/** The tenant of everybody who came without an identity provider. */
export const guestTenant = "guest";
