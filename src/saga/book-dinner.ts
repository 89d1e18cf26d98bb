/**
 * The example saga: find a restaurant, reserve a table, charge the deposit, wait for the guest's word, remind, confirm.
 *
 * Whatever fails after the reservation, the guest's "no" included, releases the table and refunds the deposit, in that order reversed.
 */
import * as z from "zod/mini";
import { RunFailed } from "../engine/failures.ts";
import type { RunContext } from "../engine/run-context.ts";
import { defineRun } from "../engine/run-definition.ts";
import type { SagaServices } from "./saga-services.ts";

const minuteMs = 60_000;

const DinnerRequest = z.object({
  city: z.string().check(z.minLength(1), z.maxLength(100)),
  partySize: z.int().check(z.gte(1), z.lte(20)),
  at: z.iso.datetime({ offset: true }),
  guest: z.string().check(z.minLength(1), z.maxLength(100)),
  /** How long the guest may take to confirm; 30 without it. */
  confirmWithinMinutes: z.optional(z.number().check(z.gte(0), z.lte(7 * 24 * 60))),
  /** How long before the dinner the guest is reminded; 120 without it. */
  remindBeforeMinutes: z.optional(z.number().check(z.gte(0), z.lte(7 * 24 * 60))),
});

export interface BookedDinner {
  readonly restaurant: string;
  readonly reservationId: string;
  readonly depositCents: number;
}

/** The signal with which the guest answers; its payload is `{"confirmed": true}` or `{"confirmed": false}`. */
const guestAnswers = "guest-confirms";

export const bookDinner = defineRun({
  name: "book-dinner",
  version: 1,
  input: DinnerRequest,
  async run(ctx: RunContext<SagaServices>, dinner): Promise<BookedDinner> {
    const { restaurants } = ctx.services;
    const { city, partySize, at, guest } = dinner;
    const wish = { city, partySize, at };

    const offers = await ctx.step("search", ({ signal }) => restaurants.search(wish, signal), { effect: "read" });
    const offer = offers[0];
    if (offer === undefined)
      throw new RunFailed(`No restaurant in ${city} has a table for ${partySize}.`, { code: "no_table" });

    const table = await ctx.step(
      "reserve-table",
      ({ idempotencyKey, signal }) =>
        restaurants.reserve({ ...wish, guest, restaurantId: offer.restaurantId }, idempotencyKey, signal),
      { compensate: (reserved, step) => restaurants.release(reserved.reservationId, step.idempotencyKey, step.signal) },
    );
    await ctx.step(
      "charge-deposit",
      ({ idempotencyKey, signal }) =>
        restaurants.charge({ ...table, amountCents: offer.depositCents }, idempotencyKey, signal),
      { retries: 5, compensate: (paid, step) => restaurants.refund(paid.chargeId, step.idempotencyKey, step.signal) },
    );
    ctx.emit("waiting-for-guest", { signal: guestAnswers, reservationId: table.reservationId });

    const answer = await ctx.waitForSignal<{ confirmed?: unknown } | null>(guestAnswers, {
      timeout: (dinner.confirmWithinMinutes ?? 30) * minuteMs,
    });
    if (answer.kind === "timed-out")
      throw new RunFailed("The guest did not answer in time.", { code: "not_confirmed" });
    if (answer.payload?.confirmed !== true) throw new RunFailed("The guest declined.", { code: "declined" });

    await ctx.sleepUntil("until-reminder", Date.parse(at) - (dinner.remindBeforeMinutes ?? 120) * minuteMs);
    await ctx.step("remind", ({ idempotencyKey, signal }) =>
      restaurants.notify({ ...table, kind: "reminder" }, idempotencyKey, signal),
    );
    await ctx.step("confirm", ({ idempotencyKey, signal }) =>
      restaurants.notify({ ...table, kind: "confirmation" }, idempotencyKey, signal),
    );
    return { restaurant: offer.name, reservationId: table.reservationId, depositCents: offer.depositCents };
  },
});
