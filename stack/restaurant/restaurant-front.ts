/**
 * A restaurant service for the example saga: search, reserve, charge, tell the guest, and take each back.
 *
 *   GET    /offers?city=&partySize=&at=   → {offers: [{restaurantId, name, depositCents}]}
 *   POST   /reservations                  {restaurantId, guest, city, partySize, at} → 201 {reservationId}
 *   DELETE /reservations/:id              → 204
 *   POST   /charges                       {reservationId, amountCents} → 201 {chargeId}
 *   DELETE /charges/:id                   → 204
 *   POST   /messages                      {reservationId, kind} → 201 {messageId}
 *
 * Faults are of the network: they come before the service sees anything of a request, or after it has acted.
 */
import type { IncomingMessage, ServerResponse } from "node:http";
import type { StackClock } from "../clock.ts";
import type { FaultBook, FaultRule } from "../faults.ts";
import { BodyTooLargeError, readBody } from "../read-body.ts";
import type { Storage } from "../storage/collection.ts";
import { createEffectBook } from "./effect-book.ts";
import { createKeyedAnswers, type Answer } from "./keyed-answers.ts";
import { createOrderBook } from "./orders.ts";
import { createRestaurantControl, type RestaurantControl } from "./restaurant-control.ts";
import { answerCall, subjectOf, type Call } from "./restaurant-service.ts";

export interface RestaurantFront extends RestaurantControl {
  handle(req: IncomingMessage, res: ServerResponse): void;
}

const bodyBytesMax = 64 * 1024;

/** Makes the front; it holds no socket of its own. `handle` expects URLs without the front's prefix. */
export function createRestaurantFront(o: { clock: StackClock; faults: FaultBook; storage: Storage }): RestaurantFront {
  const parts = {
    book: createEffectBook(o.storage, o.clock.now),
    keyed: createKeyedAnswers(o.storage.collection("restaurant-keys")),
    orders: createOrderBook(),
  };

  async function serve(req: IncomingMessage, res: ServerResponse): Promise<void> {
    const call = await readCall(req);
    const fault = o.faults.take("restaurant", subjectOf(call));
    if (fault?.action === "drop-before") return void res.destroy();
    if (fault?.action === "delay") await pause(o.clock, fault.delayMs ?? 0);
    if (fault?.action === "status") return sendFault(res, fault);
    if (fault?.action === "duplicate") answerCall(parts, call);
    const answer = answerCall(parts, call);
    // What was answered has been done, also if this process is killed the moment after.
    if (!(await o.storage.flushed())) return void res.destroy();
    if (fault?.action === "drop-after") return void res.destroy();
    if (answer.lateMs > 0) await pause(o.clock, answer.lateMs);
    send(res, answer, fault?.action === "truncate" ? (fault.truncateBytes ?? 0) : undefined);
  }

  return {
    ...createRestaurantControl(parts),
    handle(req, res) {
      serve(req, res).catch((cause: unknown) => {
        if (cause instanceof BodyTooLargeError) send(res, { status: 413, body: { error: cause.message } });
        else res.destroy();
      });
    },
  };
}

async function readCall(req: IncomingMessage): Promise<Call> {
  const key = req.headers["idempotency-key"];
  return {
    method: req.method ?? "GET",
    url: new URL(req.url ?? "/", "http://restaurant"),
    key: typeof key === "string" ? key : undefined,
    body: (await readBody(req, bodyBytesMax)).toString("utf8"),
  };
}

function send(res: ServerResponse, { status, body }: Answer, bytesMax?: number): void {
  const text = body === undefined ? "" : `${JSON.stringify(body)}\n`;
  res.writeHead(status, body === undefined ? {} : { "content-type": "application/json" });
  if (bytesMax === undefined) return void res.end(text);
  // Cut in the middle by the network: what was written before must arrive first.
  res.write(text.slice(0, bytesMax), () => setImmediate(() => res.destroy()));
}

function sendFault(res: ServerResponse, fault: FaultRule): void {
  res.writeHead(fault.status ?? 503, { "content-type": "application/json", ...fault.headers });
  res.end(fault.body ?? JSON.stringify({ error: "The local stack was told to answer so." }));
}

/** Milliseconds of the stack's clock. */
function pause(clock: StackClock, delayMs: number): Promise<void> {
  return new Promise((resolve) => void clock.schedule(clock.now() + delayMs, resolve));
}
