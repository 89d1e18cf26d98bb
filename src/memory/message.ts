/**
 * Messages of a conversation, in the shape of the AI SDK's `UIMessage`, so that a client can show what we store as it is.
 *
 * M1 A message id counts once: of two entries with one id the first is the message. So a writer that was superseded, or a flush that
 *    was repeated, changes nothing.
 * M2 Of several answers to one user message the last one counts (an answer that failed or was regenerated is replaced).
 */
import * as z from "zod/mini";

const toolPartFields = { toolCallId: z.string(), input: z.unknown() };
const toolPartType = z.templateLiteral(["tool-", z.string()]);
const given = { id: z.string(), reason: z.optional(z.string()) };

const partSchema = z.union([
  z.object({ type: z.literal("text"), text: z.string() }),
  z.object({ type: z.literal("step-start") }),
  z.object({
    type: toolPartType,
    state: z.literal("output-available"),
    ...toolPartFields,
    approval: z.optional(z.object({ ...given, approved: z.literal(true) })),
    output: z.unknown(),
  }),
  z.object({
    type: toolPartType,
    state: z.literal("output-error"),
    ...toolPartFields,
    approval: z.optional(z.object({ ...given, approved: z.literal(true) })),
    errorText: z.string(),
  }),
  z.object({
    type: toolPartType,
    state: z.literal("output-denied"),
    ...toolPartFields,
    approval: z.object({ ...given, approved: z.literal(false) }),
  }),
]);

export const messageSchema = z.object({
  id: z.string(),
  role: z.enum(["user", "assistant"]),
  parts: z.array(partSchema),
  metadata: z.object({
    /** Unix ms. */
    at: z.number(),
    /** Id of the user message that an assistant message answers. */
    replyTo: z.optional(z.string()),
    state: z.optional(z.enum(["complete", "stopped", "failed"])),
  }),
});

export type MessagePart = z.infer<typeof partSchema>;
export type Message = z.infer<typeof messageSchema>;
export type AnswerState = NonNullable<Message["metadata"]["state"]>;

/** The message, or `undefined` for an entry that is none. */
function parseMessage(text: string): Message | undefined {
  let value: unknown;
  try {
    value = JSON.parse(text);
  } catch {
    return undefined;
  }
  const parsed = messageSchema.safeParse(value);
  return parsed.success ? parsed.data : undefined;
}

export function userMessage(id: string, text: string, at: number): Message {
  return { id, role: "user", parts: [{ type: "text", text }], metadata: { at } };
}

/** Stored entries, oldest first, to what a person sees: M1 and M2. */
export function foldMessages(entries: readonly string[]): Message[] {
  const byId = new Map<string, Message>();
  const answers = new Map<string, string>();
  for (const entry of entries) {
    const message = parseMessage(entry);
    if (message === undefined || byId.has(message.id)) continue;
    const replyTo = message.metadata.replyTo;
    const earlier = replyTo === undefined ? undefined : answers.get(replyTo);
    if (earlier !== undefined) byId.delete(earlier);
    if (replyTo !== undefined) answers.set(replyTo, message.id);
    byId.set(message.id, message);
  }
  return [...byId.values()];
}

export function textOf(message: Message): string {
  return message.parts.flatMap((part) => (part.type === "text" ? [part.text] : [])).join("\n");
}
