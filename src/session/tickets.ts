/**
 * Tickets: for a client that can send neither cookie nor header, as an `EventSource` of another site. One opens one path once, within a minute,
 * in the name of whoever asked for it.
 */
import { sha256Hex } from "../core/sha256.ts";
import type { Random } from "../core/ports.ts";
import { encodeBase64Url } from "./base64-url.ts";
import type { NoClaim, TicketClaim } from "./claim.ts";
import type { Identity } from "./identity.ts";
import { openText, sealText } from "./sealed-text.ts";
import type { Signer } from "./signer.ts";

export interface TicketRef {
  readonly userId: string;
  readonly secretHash: string;
}

export interface TicketStore {
  /** Keeps it for `limits.ticketTtlMs`. Taking it is part of the gate. */
  put(ref: TicketRef, ticket: { readonly identity: Identity; readonly path: string }): Promise<void>;
}

export interface Tickets {
  issue(identity: Identity, path: string): Promise<string>;
  /** What a presented ticket says, without storage. */
  claim(ticket: string, path: string): Promise<NoClaim | TicketClaim>;
}

const prefix = "tk";
const userBytes = 16;
const secretBytes = 32;

export function createTickets({
  store,
  signer,
  random,
}: {
  readonly store: TicketStore;
  readonly signer: Signer;
  readonly random: Random;
}): Tickets {
  return {
    async issue(identity, path) {
      const user = identity.userId.slice("usr_".length).match(/../g) ?? [];
      const secret = random.bytes(secretBytes);
      const bytes = new Uint8Array([...user.map((pair) => Number.parseInt(pair, 16)), ...secret]);
      await store.put({ userId: identity.userId, secretHash: await hashOf(secret) }, { identity, path });
      return sealText(signer, prefix, bytes);
    },
    async claim(ticket, path) {
      const bytes = await openText(signer, prefix, ticket, userBytes + secretBytes);
      if (bytes === undefined) return { kind: "forged" };
      const hex = Array.from(bytes.slice(0, userBytes), (byte) => byte.toString(16).padStart(2, "0")).join("");
      const userId = `usr_${hex}`;
      return { kind: "ticket", userId, ref: { userId, secretHash: await hashOf(bytes.slice(userBytes)) }, path };
    },
  };
}

function hashOf(secret: Uint8Array): Promise<string> {
  return sha256Hex(encodeBase64Url(secret));
}
