import type { EffectBook } from "./effect-book.ts";
import type { Charge, Effect, GuestMessage, Reservation } from "./effect-book.ts";
import type { KeyedAnswers } from "./keyed-answers.ts";
import type { OrderBook, RestaurantOrder } from "./orders.ts";

/** What the restaurants did, to be compared with what they were asked for. */
export interface RestaurantReading {
  reservations: Reservation[];
  charges: Charge[];
  messages: GuestMessage[];
  /** Everything that changed something, in order. */
  effects: Effect[];
  /** Every Idempotency-Key with the number of its arrivals, in the order of the first. */
  keys: { key: string; arrivals: number }[];
}

/** The test side of the restaurants. */
export interface RestaurantControl {
  /** Orders what the next calls are refused. */
  script(...orders: RestaurantOrder[]): void;
  /** Orders that no call has taken yet. */
  queued(): RestaurantOrder[];
  read(): RestaurantReading;
  /** Forgets everything: effects, keys and orders. */
  reset(): void;
}

export function createRestaurantControl(parts: {
  book: EffectBook;
  keyed: KeyedAnswers;
  orders: OrderBook;
}): RestaurantControl {
  const { book, keyed, orders } = parts;
  return {
    script: orders.add,
    queued: orders.list,
    read: () => ({
      reservations: book.reservations(),
      charges: book.charges(),
      messages: book.messages(),
      effects: book.effects(),
      keys: keyed.list().map(({ key, arrivals }) => ({ key, arrivals })),
    }),
    reset() {
      book.clear();
      keyed.clear();
      orders.clear();
    },
  };
}
