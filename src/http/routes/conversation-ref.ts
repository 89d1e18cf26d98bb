import type { Context } from "hono";
import { AppError } from "../../core/errors.ts";
import { isClientId } from "../../core/ids.ts";
import type { ConversationRef } from "../../event/event-log.ts";
import type { AppEnv } from "../app-env.ts";
import { identityOf } from "../middleware/identity.ts";

/** The caller's conversation of that id. Keys are scoped to the user, so another's is simply not there. @throws not_found (refuse) */
export function conversationRef(c: Context<AppEnv>): ConversationRef {
  const conversationId = c.req.param("conversationId");
  if (!isClientId(conversationId)) throw new AppError("not_found", "There is no such conversation.");
  return { userId: identityOf(c).userId, conversationId };
}
