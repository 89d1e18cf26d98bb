import * as z from "zod/mini";
import { limits } from "../../core/limits.ts";
import { defineTool, ok, type ToolContext } from "../../tool/tool.ts";
import type { SagaServices } from "../saga-services.ts";
import { DinnerWish } from "./dinner-wish.ts";
import { restaurantBreaker, restaurantRate } from "./restaurant-breaker.ts";

export const searchRestaurants = defineTool({
  name: "restaurant_search",
  description:
    "Finds restaurants in a city with a free table for a party at a time (ISO 8601 with its offset), the best first. " +
    "Answers each one's id, name and deposit in cents; an empty list when there is none.",
  input: z.object(DinnerWish),
  effect: "read",
  scopes: ["restaurant:read"],
  timeoutMs: limits.toolTimeoutMs,
  retries: 1,
  rate: restaurantRate,
  breaker: restaurantBreaker,
  async execute({ services, signal }: ToolContext<SagaServices>, wish) {
    return ok({ offers: await services.restaurants.search(wish, signal) });
  },
});
