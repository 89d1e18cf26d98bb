/** What the queue tells us beside deliveries. Signed like them. */
import { Hono, type Context } from "hono";
import * as z from "zod/mini";
import { isExecutionId, isUserId } from "../../core/ids.ts";
import { limits } from "../../core/limits.ts";
import { textOfBase64 } from "../text-of-base64.ts";
import { neverAgain, parseDelivery, signed, type DeliveryEnv } from "../middleware/signed-delivery.ts";

/** What failed; it stands in the URL, which is signed too. */
export const FailedCall = z.object({
  kind: z.literal("tool"),
  userId: z.string().check(z.refine(isUserId)),
  executionId: z.string().check(z.refine(isExecutionId)),
});

/** Source: QStash, failure callbacks. */
export const FailureBody = z.object({
  status: z.int(),
  body: z.optional(z.string()),
  sourceMessageId: z.string().check(z.maxLength(limits.messageIdCharsMax)),
  dlqId: z.optional(z.string().check(z.maxLength(limits.messageIdCharsMax))),
});

/** Mounted at `/api/webhooks`. */
export function webhookRoutes() {
  return new Hono<DeliveryEnv>().post("/qstash/failure", signed(limits.callbackBodyBytesMax), failure);
}

/** The queue has given up a message. */
async function failure(c: Context<DeliveryEnv>): Promise<Response> {
  const query = z.safeParse(FailedCall, c.req.query());
  const callback = parseDelivery(FailureBody, c);
  if (!query.success || callback === undefined) return neverAgain(c);
  const { userId, executionId } = query.data;
  const { clock, queuedTools } = c.get("wire");
  const { executions } = await queuedTools();
  const isDead = await executions.bury(
    { userId, executionId },
    {
      atMs: clock.now(),
      status: callback.status,
      cause: textOfBase64(callback.body).slice(0, limits.failureCharsMax),
      messageId: callback.sourceMessageId,
      deadLetterId: callback.dlqId,
    },
  );
  c.get("log").warn("the queue gave up a call of a tool", { executionId, isDead });
  return c.json({ outcome: isDead ? "dead" : "ignored" });
}
