import * as z from "zod/mini";
import { limits } from "../../core/limits.ts";
import { defineTool, ok, type ToolContext } from "../../tool/tool.ts";
import type { SagaServices } from "../saga-services.ts";
import { serviceId } from "./dinner-wish.ts";
import { restaurantBreaker, restaurantRate } from "./restaurant-breaker.ts";

export const notifyGuest = defineTool({
  name: "restaurant_notify",
  description: "Has the restaurant send the guest of a reservation a reminder or a confirmation.",
  input: z.object({ reservationId: serviceId, kind: z.enum(["reminder", "confirmation"]) }),
  effect: "write",
  scopes: ["restaurant:write"],
  timeoutMs: limits.toolTimeoutMs,
  retries: 1,
  rate: restaurantRate,
  breaker: restaurantBreaker,
  async execute({ services, idempotencyKey, signal }: ToolContext<SagaServices>, message) {
    await services.restaurants.notify(message, idempotencyKey, signal);
    return ok({ sent: message.kind });
  },
});
