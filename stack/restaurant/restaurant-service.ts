/**
 * What the restaurants answer. Knows requests and answers, but no sockets and no faults.
 *
 * What has an effect needs an `Idempotency-Key` and happens once per key; see keyed-answers.ts. What was ordered to be refused is
 * refused in words, with a 4xx that another attempt would not change.
 */
import type { EffectBook } from "./effect-book.ts";
import type { Answer, KeyedAnswers } from "./keyed-answers.ts";
import { offersFor } from "./offers.ts";
import { refusals, type OrderBook, type RestaurantPoint } from "./orders.ts";
import { Refusal } from "./refusal.ts";
import { requestFields } from "./request-fields.ts";

export interface Call {
  method: string;
  /** Without the prefix of the front. */
  url: URL;
  /** The `Idempotency-Key`. */
  key: string | undefined;
  body: string;
}

interface ServiceParts {
  book: EffectBook;
  keyed: KeyedAnswers;
  orders: OrderBook;
}

interface Action {
  point: RestaurantPoint;
  /** Of what is taken back. */
  id: string;
}

const partySizeMax = 1_000;
const amountCentsMax = 100_000_000;

const points: Record<string, RestaurantPoint> = {
  "GET offers": "search",
  "POST reservations": "reserve",
  "DELETE reservations": "release",
  "POST charges": "charge",
  "DELETE charges": "refund",
  "POST messages": "notify",
};

/** Refusals are answers too. `lateMs` says how long the answer is to be held back. */
export function answerCall({ book, keyed, orders }: ServiceParts, call: Call): Answer & { lateMs: number } {
  try {
    const action = actionOf(call);
    const { point } = action;
    const { lateMs = 0 } = orders.take("be-late", point, subjectOf(call)) ?? {};
    if (point === "search") return { ...search(call, orders), lateMs };
    const request = `${call.method} ${call.url.pathname}\n${call.body}`;
    const answer = keyed.once(call.key, request, (key) => {
      const order = orders.take("refuse", point, subjectOf(call));
      if (order !== undefined) throw new Refusal(refusals[point].status, order.reason ?? refusals[point].reason);
      return act(book, action, { key, body: call.body });
    });
    return { ...answer, lateMs };
  } catch (cause) {
    if (cause instanceof Refusal) return { status: cause.status, body: { error: cause.message }, lateMs: 0 };
    throw cause;
  }
}

/** What faults and orders are matched against. */
export function subjectOf({ method, url, key = "", body }: Call): string {
  return `${method} ${url.pathname}${url.search}\n${key}\n${body}`;
}

function actionOf({ method, url }: Call): Action {
  const [, name = "", id = "", ...rest] = url.pathname.split("/");
  const point = points[`${method} ${name}`];
  const isWhole = (method === "DELETE") === (id !== "") && rest.length === 0;
  if (point !== undefined && isWhole) return { point, id };
  throw new Refusal(404, `There is no ${method} ${url.pathname} here.`);
}

function search(call: Call, orders: OrderBook): Answer {
  const fields = requestFields(Object.fromEntries(call.url.searchParams));
  const wish = { city: fields.text("city"), partySize: fields.count("partySize", 1, partySizeMax) };
  fields.text("at");
  const isFull = orders.take("refuse", "search", subjectOf(call)) !== undefined;
  return { status: 200, body: { offers: isFull ? [] : offersFor(wish) } };
}

function act(book: EffectBook, { point, id }: Action, { key, body }: { key: string; body: string }): Answer {
  switch (point) {
    case "reserve":
      return reserve(book, key, body);
    case "charge":
      return charge(book, key, body);
    case "notify":
      return notify(book, key, body);
    case "release":
      book.release(key, id);
      return { status: 204 };
    default:
      book.refund(key, id);
      return { status: 204 };
  }
}

function reserve(book: EffectBook, key: string, body: string): Answer {
  const fields = requestFields(parseJson(body));
  const wish = { city: fields.text("city"), partySize: fields.count("partySize", 1, partySizeMax) };
  const restaurantId = fields.text("restaurantId");
  if (!offersFor(wish).some((offer) => offer.restaurantId === restaurantId)) {
    throw new Refusal(404, `There is no restaurant ${restaurantId} with a table for ${wish.partySize}.`);
  }
  const wanted = { ...wish, restaurantId, guest: fields.text("guest"), at: fields.text("at") };
  return { status: 201, body: { reservationId: book.reserve(key, wanted).reservationId } };
}

function charge(book: EffectBook, key: string, body: string): Answer {
  const fields = requestFields(parseJson(body));
  const amountCents = fields.count("amountCents", 1, amountCentsMax);
  const { chargeId } = book.charge(key, { reservationId: fields.text("reservationId"), amountCents });
  return { status: 201, body: { chargeId } };
}

function notify(book: EffectBook, key: string, body: string): Answer {
  const fields = requestFields(parseJson(body));
  const kind = fields.oneOf("kind", ["reminder", "confirmation"]);
  const { messageId } = book.notify(key, { reservationId: fields.text("reservationId"), kind });
  return { status: 201, body: { messageId } };
}

function parseJson(text: string): unknown {
  try {
    return JSON.parse(text) as unknown;
  } catch {
    throw new Refusal(400, "The body is not valid JSON.");
  }
}
