/**
 * Deliveries are signed over their raw body and URL; nobody else gets past the signature, and nothing is read or written before it
 * holds.
 *
 * | answer | means to the queue |
 * |---|---|
 * | 200 | done, also when there was nothing to do |
 * | 401 | not signed by the queue |
 * | 489 | never try this again: it is not understood, or only a person can help |
 * | 503 with Retry-After | try again: a dependency failed, or another segment may be dead and is not yet known to be |
 */
import type { Context } from "hono";
import { createMiddleware } from "hono/factory";
import type { ContentfulStatusCode } from "hono/utils/http-status";
import * as z from "zod/mini";
import { limits } from "../../core/limits.ts";
import { isSameText } from "../../session/same-text.ts";
import type { AppEnv } from "../app-env.ts";
import { checkSignature } from "../check-signature.ts";
import { readText } from "../read-json.ts";

export type DeliveryEnv = AppEnv & { Variables: { rawBody: string; isInternal: boolean } };

/** Lets in what the queue has signed, and what carries the internal key. @throws invalid_signature, body_too_large (both refuse) */
export function signed(bytesMax: number) {
  return createMiddleware<DeliveryEnv>(async (c, next) => {
    const wire = c.get("wire");
    const body = await readText(c, bytesMax);
    const key = c.req.header("X-Internal-Key");
    const isInternal = key !== undefined && (await isSameText(key, wire.internalKey.reveal()));
    if (!isInternal) await checkSignature(wire, c.req, body);
    c.set("rawBody", body);
    c.set("isInternal", isInternal);
    await next();
  });
}

/** `undefined` for a body that is not what we sent for. */
export function parseDelivery<T>(schema: z.core.$ZodType<T>, c: Context<DeliveryEnv>): T | undefined {
  try {
    const parsed = z.safeParse(schema, JSON.parse(c.get("rawBody")));
    return parsed.success ? parsed.data : undefined;
  } catch {
    return undefined;
  }
}

/** `undefined` for a call of our own, which no message stands for. */
export function messageIdOf(c: Context): string | undefined {
  const messageId = c.req.header("Upstash-Message-Id");
  return messageId === undefined || messageId.length > limits.messageIdCharsMax ? undefined : messageId;
}

/** How often the message was tried before. */
export function retriedOf(c: Context): number {
  const retried = Number(c.req.header("Upstash-Retried") ?? 0);
  return Number.isSafeInteger(retried) && retried >= 0 ? retried : 0;
}

/** Source: QStash, `Upstash-NonRetryable-Error`: the message goes to the dead letters at once. */
export function neverAgain(c: Context<DeliveryEnv>, body: object = { outcome: "refused" }): Response {
  c.get("log").warn("a delivery is refused for good", {});
  c.header("Upstash-NonRetryable-Error", "true");
  return c.json(body, 489 as ContentfulStatusCode);
}
