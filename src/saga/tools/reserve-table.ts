import * as z from "zod/mini";
import { limits } from "../../core/limits.ts";
import { defineTool, ok, type ToolContext } from "../../tool/tool.ts";
import type { SagaServices } from "../saga-services.ts";
import { DinnerWish, serviceId } from "./dinner-wish.ts";
import { restaurantBreaker, restaurantRate } from "./restaurant-breaker.ts";

export const reserveTable = defineTool({
  name: "restaurant_reserve",
  description:
    "Reserves a table in a restaurant that restaurant_search has found, in the name of a guest. Answers the id of the reservation.",
  input: z.object({
    ...DinnerWish,
    restaurantId: serviceId,
    guest: z.string().check(z.minLength(1), z.maxLength(100)),
  }),
  effect: "write",
  scopes: ["restaurant:write"],
  timeoutMs: limits.toolTimeoutMs,
  retries: 1,
  rate: restaurantRate,
  breaker: restaurantBreaker,
  async execute({ services, idempotencyKey, signal }: ToolContext<SagaServices>, reservation) {
    return ok(await services.restaurants.reserve(reservation, idempotencyKey, signal));
  },
  async undo({ services, idempotencyKey, signal }, _reservation, output) {
    const { reservationId } = output as { reservationId: string };
    await services.restaurants.release(reservationId, idempotencyKey, signal);
  },
});
