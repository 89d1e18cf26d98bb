/** What the restaurants have done, in the order in which they did it. */
import { randomBytes } from "node:crypto";
import type { Collection, Storage } from "../storage/collection.ts";
import { Refusal } from "./refusal.ts";

export interface Reservation {
  reservationId: string;
  restaurantId: string;
  guest: string;
  city: string;
  partySize: number;
  /** ISO 8601. */
  at: string;
  isReleased: boolean;
}

export interface Charge {
  chargeId: string;
  reservationId: string;
  amountCents: number;
  isRefunded: boolean;
}

export interface GuestMessage {
  messageId: string;
  reservationId: string;
  kind: "reminder" | "confirmation";
}

export interface Effect {
  /** Counts from 1. */
  number: number;
  kind: "reserved" | "released" | "charged" | "refunded" | "notified";
  /** Of the reservation, the charge or the message. */
  id: string;
  /** The Idempotency-Key under which it was done. */
  key: string;
  atMs: number;
}

export interface EffectBook {
  reserve(key: string, wanted: Omit<Reservation, "reservationId" | "isReleased">): Reservation;
  /** Releasing what is released changes nothing. @throws Refusal 404 */
  release(key: string, reservationId: string): void;
  /** @throws Refusal 404, 409 for a table that is released */
  charge(key: string, wanted: Pick<Charge, "reservationId" | "amountCents">): Charge;
  /** Refunding what is refunded changes nothing. @throws Refusal 404 */
  refund(key: string, chargeId: string): void;
  /** @throws Refusal 404 */
  notify(key: string, wanted: Omit<GuestMessage, "messageId">): GuestMessage;
  reservations(): Reservation[];
  charges(): Charge[];
  messages(): GuestMessage[];
  effects(): Effect[];
  clear(): void;
}

export function createEffectBook(storage: Storage, nowMs: () => number): EffectBook {
  const reservations = storage.collection<Reservation>("restaurant-reservations");
  const charges = storage.collection<Charge>("restaurant-charges");
  const messages = storage.collection<GuestMessage>("restaurant-messages");
  const effects = storage.collection<Effect>("restaurant-effects");

  function note(kind: Effect["kind"], id: string, key: string): void {
    const number = effects.size() + 1;
    effects.put(String(number), { number, kind, id, key, atMs: nowMs() });
  }

  return {
    reserve(key, wanted) {
      const reservation = { reservationId: newId("rsv"), ...wanted, isReleased: false };
      reservations.put(reservation.reservationId, reservation);
      note("reserved", reservation.reservationId, key);
      return reservation;
    },
    release(key, reservationId) {
      const reservation = existing(reservations, reservationId, "reservation");
      if (reservation.isReleased) return;
      reservations.put(reservationId, { ...reservation, isReleased: true });
      note("released", reservationId, key);
    },
    charge(key, wanted) {
      if (existing(reservations, wanted.reservationId, "reservation").isReleased) {
        throw new Refusal(409, "The table was released.");
      }
      const charge = { chargeId: newId("chg"), ...wanted, isRefunded: false };
      charges.put(charge.chargeId, charge);
      note("charged", charge.chargeId, key);
      return charge;
    },
    refund(key, chargeId) {
      const charge = existing(charges, chargeId, "charge");
      if (charge.isRefunded) return;
      charges.put(chargeId, { ...charge, isRefunded: true });
      note("refunded", chargeId, key);
    },
    notify(key, wanted) {
      existing(reservations, wanted.reservationId, "reservation");
      const message = { messageId: newId("gst"), ...wanted };
      messages.put(message.messageId, message);
      note("notified", message.messageId, key);
      return message;
    },
    reservations: reservations.values,
    charges: charges.values,
    messages: messages.values,
    effects: effects.values,
    clear() {
      for (const { reservationId } of reservations.values()) reservations.remove(reservationId);
      for (const { chargeId } of charges.values()) charges.remove(chargeId);
      for (const { messageId } of messages.values()) messages.remove(messageId);
      for (const { number } of effects.values()) effects.remove(String(number));
    },
  };
}

function newId(prefix: string): string {
  return `${prefix}_${randomBytes(8).toString("hex")}`;
}

function existing<Entry>(among: Collection<Entry>, id: string, what: string): Entry {
  const entry = among.get(id);
  if (entry === undefined) throw new Refusal(404, `There is no ${what} ${id}.`);
  return entry;
}
