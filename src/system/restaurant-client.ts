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
const Anything = z.unknown();

export interface RestaurantClientOptions {
  /** Without a slash at the end; `undefined` where no restaurants are configured. */
  readonly url: string | undefined;
  readonly fetch: (url: string, init: RequestInit) => Promise<Response>;
}

interface Request {
  readonly method: "GET" | "POST" | "DELETE";
  readonly path: string;
  readonly signal: AbortSignal;
  readonly body?: unknown;
  readonly key?: string;
}

export function restaurantClient({ url, fetch: send }: RestaurantClientOptions): Restaurants {
  async function exchange({ method, path, signal, body, key }: Request): Promise<{ response: Response; text: string }> {
    if (url === undefined) throw new NonRetryableError("No restaurants are configured: set RESTAURANT_URL.");
    try {
      const response = await send(`${url}${path}`, {
        method,
        signal,
        // "error" is nothing that workerd knows; what is redirected is no answer of ours.
        redirect: "manual",
        headers: {
          "content-type": "application/json",
          ...(key === undefined ? {} : { "idempotency-key": key }),
        },
        ...(body === undefined ? {} : { body: JSON.stringify(body) }),
      });
      return { response, text: await response.text() };
    } catch (cause) {
      throw unavailable("did not answer", cause);
    }
  }

  /** @throws NonRetryableError for what the service refuses, partner_unavailable (retry) for everything else. */
  async function call<T>(schema: z.core.$ZodType<T>, request: Request): Promise<T> {
    const { response, text } = await exchange(request);
    const { status } = response;
    if (response.ok) return read(schema, text);
    if (status >= 400 && status < 500 && status !== 429) {
      throw new NonRetryableError(reasonIn(text) ?? `the restaurant service refused with status ${status}`);
    }
    throw unavailable(`answered with status ${status}`);
  }

  return {
    async search(wish, signal) {
      const query = new URLSearchParams({ city: wish.city, partySize: String(wish.partySize), at: wish.at });
      return (await call(Offers, { method: "GET", path: `/offers?${query.toString()}`, signal })).offers;
    },
    reserve: (reservation, key, signal) =>
      call(Reserved, { method: "POST", path: "/reservations", signal, body: reservation, key }),
    async release(reservationId, key, signal) {
      await call(Anything, { method: "DELETE", path: `/reservations/${reservationId}`, signal, key });
    },
    charge: (charge, key, signal) => call(Charged, { method: "POST", path: "/charges", signal, body: charge, key }),
    async refund(chargeId, key, signal) {
      await call(Anything, { method: "DELETE", path: `/charges/${chargeId}`, signal, key });
    },
    async notify(message, key, signal) {
      await call(Anything, { method: "POST", path: "/messages", signal, body: message, key });
    },
  };
}

/** What cannot be read may have had its effect all the same: the next attempt, with the same key, learns it. */
function read<T>(schema: z.core.$ZodType<T>, text: string): T {
  try {
    return z.parse(schema, JSON.parse(text === "" ? "null" : text));
  } catch (cause) {
    throw unavailable("sent an answer that cannot be read", cause);
  }
}

function unavailable(what: string, cause?: unknown): AppError {
  return new AppError("partner_unavailable", `the restaurant service ${what}`, { cause });
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
