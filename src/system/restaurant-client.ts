/** The restaurants over HTTP. Every effect carries an `Idempotency-Key`; the service acts once per key. */
import * as z from "zod/mini";
import { AppError } from "../core/errors.ts";
import { NonRetryableError } from "../engine/failures.ts";
import type { Restaurants } from "../saga/restaurant.ts";

const Offers = z.object({
  offers: z.array(z.object({ restaurantId: z.string(), name: z.string(), depositCents: z.number() })),
});
const Reserved = z.object({ reservationId: z.string() });
const Charged = z.object({ chargeId: z.string() });

export interface RestaurantClientOptions {
  /** Without a slash at the end; `undefined` where no restaurants are configured. */
  readonly url: string | undefined;
  readonly fetch: (url: string, init: RequestInit) => Promise<Response>;
}

export function restaurantClient({ url, fetch: send }: RestaurantClientOptions): Restaurants {
  /** @throws NonRetryableError for what the service refuses, partner_unavailable (retry) for everything else. */
  async function call(
    method: string,
    path: string,
    signal: AbortSignal,
    body?: unknown,
    key?: string,
  ): Promise<unknown> {
    if (url === undefined) throw new NonRetryableError("No restaurants are configured: set RESTAURANT_URL.");
    let response: Response;
    try {
      response = await send(`${url}${path}`, {
        method,
        signal,
        redirect: "error",
        headers: {
          "content-type": "application/json",
          ...(key === undefined ? {} : { "idempotency-key": key }),
        },
        ...(body === undefined ? {} : { body: JSON.stringify(body) }),
      });
    } catch (cause) {
      throw new AppError("partner_unavailable", "the restaurant service did not answer", { cause });
    }
    const text = await response.text();
    if (response.ok) return JSON.parse(text === "" ? "null" : text) as unknown;
    if (response.status >= 400 && response.status < 500 && response.status !== 429) {
      throw new NonRetryableError(reasonIn(text) ?? `the restaurant service refused with status ${response.status}`);
    }
    throw new AppError("partner_unavailable", `the restaurant service answered with status ${response.status}`);
  }

  return {
    async search(wish, signal) {
      const query = new URLSearchParams({ city: wish.city, partySize: String(wish.partySize), at: wish.at });
      return z.parse(Offers, await call("GET", `/offers?${query.toString()}`, signal)).offers;
    },
    reserve: async (reservation, key, signal) =>
      z.parse(Reserved, await call("POST", "/reservations", signal, reservation, key)),
    async release(reservationId, key, signal) {
      await call("DELETE", `/reservations/${reservationId}`, signal, undefined, key);
    },
    charge: async (charge, key, signal) => z.parse(Charged, await call("POST", "/charges", signal, charge, key)),
    async refund(chargeId, key, signal) {
      await call("DELETE", `/charges/${chargeId}`, signal, undefined, key);
    },
    async notify(message, key, signal) {
      await call("POST", "/messages", signal, message, key);
    },
  };
}

const reasonCharsMax = 200;

function reasonIn(text: string): string | undefined {
  try {
    const { error } = JSON.parse(text) as { error?: unknown };
    return typeof error === "string" ? error.slice(0, reasonCharsMax) : undefined;
  } catch {
    return undefined;
  }
}
