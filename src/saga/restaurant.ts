/** What a dinner needs from the outside. Each effect takes a key: sent twice with the same key it happens once. */
export interface Offer {
  readonly restaurantId: string;
  readonly name: string;
  /** Deposit for the whole party. */
  readonly depositCents: number;
}

export interface DinnerWish {
  readonly city: string;
  readonly partySize: number;
  /** ISO 8601. */
  readonly at: string;
}

export interface Restaurants {
  /** Restaurants with a free table, the best first; may be empty. */
  search(wish: DinnerWish, signal: AbortSignal): Promise<Offer[]>;
  /** @throws NonRetryableError when the table is taken. */
  reserve(
    reservation: DinnerWish & { readonly restaurantId: string; readonly guest: string },
    key: string,
    signal: AbortSignal,
  ): Promise<{ reservationId: string }>;
  /** Releasing what is released changes nothing. */
  release(reservationId: string, key: string, signal: AbortSignal): Promise<void>;
  /** @throws NonRetryableError when the card is declined. */
  charge(
    charge: { readonly reservationId: string; readonly amountCents: number },
    key: string,
    signal: AbortSignal,
  ): Promise<{ chargeId: string }>;
  refund(chargeId: string, key: string, signal: AbortSignal): Promise<void>;
  notify(
    message: { readonly reservationId: string; readonly kind: "reminder" | "confirmation" },
    key: string,
    signal: AbortSignal,
  ): Promise<void>;
}
