import * as z from "zod/mini";

/** What every tool that looks for a table asks for. */
export const DinnerWish = {
  city: z.string().check(z.minLength(1), z.maxLength(100)),
  partySize: z.int().check(z.gte(1), z.lte(20)),
  at: z.iso.datetime({ offset: true }),
};

/** Ids of the restaurant service: they stand in its URLs. */
export const serviceId = z.string().check(z.regex(/^[A-Za-z0-9_-]{1,128}$/));
