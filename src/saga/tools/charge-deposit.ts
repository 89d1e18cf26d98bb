import * as z from "zod/mini";
import { limits } from "../../core/limits.ts";
import { defineTool, ok, type ToolContext } from "../../tool/tool.ts";
import type { SagaServices } from "../saga-services.ts";
import { serviceId } from "./dinner-wish.ts";
import { restaurantBreaker } from "./restaurant-breaker.ts";

const amountCentsMax = 100_000_00;

/** Takes money: a person agrees to each call. */
export const chargeDeposit = defineTool({
  name: "restaurant_charge_deposit",
  description:
    "Charges the deposit of a reservation to the guest's card, in cents. The user is asked before. Answers the id of the charge.",
  input: z.object({ reservationId: serviceId, amountCents: z.int().check(z.gte(1), z.lte(amountCentsMax)) }),
  effect: "money",
  scopes: ["restaurant:money"],
  timeoutMs: limits.toolTimeoutMs,
  retries: 1,
  approval: "always",
  rate: { calls: 5, windowMs: 60_000 },
  breaker: restaurantBreaker,
  async execute({ services, idempotencyKey, signal }: ToolContext<SagaServices>, charge) {
    return ok(await services.restaurants.charge(charge, idempotencyKey, signal));
  },
  async undo({ services, idempotencyKey, signal }, _charge, output) {
    const { chargeId } = output as { chargeId: string };
    await services.restaurants.refund(chargeId, idempotencyKey, signal);
  },
});
