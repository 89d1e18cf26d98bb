import { Hono, type Context } from "hono";
import * as z from "zod/mini";
import { AppError } from "../../core/errors.ts";
import { limits } from "../../core/limits.ts";
import type { AppEnv } from "../app-env.ts";
import { identityOf, requireIdentity } from "../middleware/identity.ts";
import { readJson } from "../read-json.ts";
import { conversationEvents } from "./conversation-events.ts";
import { conversationRef } from "./conversation-ref.ts";

const Rename = z.strictObject({
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
    .get("/:conversationId/messages", async (c) => {
      return c.json({ messages: await c.get("wire").conversations.messages(conversationRef(c)) });
    })
    .get("/:conversationId/events", conversationEvents);
}

async function found(c: Context<AppEnv>) {
  const summary = await c.get("wire").conversations.find(conversationRef(c));
  if (summary === undefined) throw notFound();
  return summary;
}

function notFound(): AppError {
  return new AppError("not_found", "There is no such conversation.");
}
