/** Tickets in Redis: one string each, taken by the command that reads it. */
import * as z from "zod/mini";
import { limits } from "../core/limits.ts";
import type { TicketClaim } from "../session/claim.ts";
import type { Identity } from "../session/identity.ts";
import { scopes } from "../session/scope.ts";
import type { TicketStore } from "../session/tickets.ts";
import type { Batch, RedisClient } from "./batch.ts";
import { ticketKey } from "./keys.ts";
import { readNothing, readText } from "./reply.ts";

const StoredTicket = z.object({
  identity: z.object({
    userId: z.string(),
    tenant: z.string(),
    scopes: z.array(z.enum(scopes)),
    tokensPerDay: z.optional(z.number()),
  }),
  path: z.string(),
});

export function upstashTicketStore(redis: RedisClient): TicketStore {
  return {
    put: ({ userId, secretHash }, ticket) => {
      const key = ticketKey(userId, secretHash);
      return redis.command(["SET", key, JSON.stringify(ticket), "PX", limits.ticketTtlMs], readNothing);
    },
  };
}

/** Takes the ticket, as part of a larger batch: one command. Also one for another path is used up. */
export async function ticketPart(batch: Batch, { ref, path }: TicketClaim): Promise<Identity | undefined> {
  const text = await batch.add(["GETDEL", ticketKey(ref.userId, ref.secretHash)], readText);
  if (text === undefined) return undefined;
  const parsed = StoredTicket.safeParse(JSON.parse(text));
  return parsed.success && parsed.data.path === path ? parsed.data.identity : undefined;
}
