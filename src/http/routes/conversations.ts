import { Hono, type Context } from "hono";
import * as z from "zod/mini";
import { AppError } from "../../core/errors.ts";
import { limits } from "../../core/limits.ts";
import { formatMessageCursor, pageOfMessages, parseMessageCursor } from "../../memory/message-page.ts";
import type { AppEnv } from "../app-env.ts";
import { identityOf, requireIdentity } from "../middleware/identity.ts";
import { readJson } from "../read-json.ts";
import { readCount } from "../read-query.ts";
import { conversationEvents } from "./conversation-events.ts";
import { conversationRef } from "./conversation-ref.ts";

export const Rename = z.strictObject({
  title: z.string().check(z.trim(), z.minLength(1), z.maxLength(limits.conversationTitleCharsMax)),
});

/** History: the user's conversations and their messages. */
export function conversationRoutes(): Hono<AppEnv> {
  return new Hono<AppEnv>()
    .use("*", requireIdentity())
    .get("/", async (c) => {
      return c.json({ conversations: await c.get("wire").conversations.list(identityOf(c).userId) });
    })
    .get("/:conversationId", async (c) => c.json(await found(c)))
    .patch("/:conversationId", async (c) => {
      const { title } = await readJson(c, Rename);
      if (!(await c.get("wire").conversations.rename(conversationRef(c), title))) throw notFound();
      return c.json(await found(c));
    })
    .delete("/:conversationId", async (c) => {
      if (!(await c.get("wire").conversations.remove(conversationRef(c)))) throw notFound();
      return c.body(null, 204);
    })
    .get("/:conversationId/messages", messages)
    .get("/:conversationId/events", conversationEvents);
}

/** The newest messages, or those before `?before=`; in their order. */
async function messages(c: Context<AppEnv>): Promise<Response> {
  const ref = conversationRef(c);
  const count = readCount(c, "limit", { fallback: limits.messagesPageMax, max: limits.messagesPageMax });
  const given = c.req.query("before");
  const before = given === undefined ? undefined : parseMessageCursor(given);
  if (given !== undefined && before === undefined) {
    throw new AppError("invalid_cursor", "`before` must be a place that this list gave out.");
  }
  const memory = await c.get("wire").conversations.memory(ref);
  const page = pageOfMessages(memory.messages, { before, count });
  return c.json({
    messages: page.messages,
    ...(page.next === undefined ? {} : { next: formatMessageCursor(page.next) }),
  });
}

async function found(c: Context<AppEnv>) {
  const summary = await c.get("wire").conversations.find(conversationRef(c));
  if (summary === undefined) throw notFound();
  return summary;
}

function notFound(): AppError {
  return new AppError("not_found", "There is no such conversation.");
}
