import type { Restaurants } from "./restaurant.ts";

/** What the sagas of this app are given; `wire.ts` builds it for each request. */
export interface SagaServices {
  readonly restaurants: Restaurants;
}
