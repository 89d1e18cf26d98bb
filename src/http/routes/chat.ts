/** Chat: one turn per POST, resumed and stopped by conversation. Speaks the AI SDK's UI message stream. */
import { Hono, type Context } from "hono";
import * as z from "zod/mini";
import { isDead, startTurn, stopTurn, takeUpTurn, type StartOutcome, type TurnRequest } from "../../agent/chat.ts";
import { followTurn } from "../../agent/follow-turn.ts";
import { currentTurn, type TurnState } from "../../agent/turn-state.ts";
import { replayAnswer } from "../../agent/ui-projection.ts";
import { AppError } from "../../core/errors.ts";
import { clientIdPattern } from "../../core/ids.ts";
import { limits } from "../../core/limits.ts";
import type { ConversationRef } from "../../event/event-log.ts";
import type { AppEnv } from "../app-env.ts";
import { createFrameStream } from "../frame-stream.ts";
import { InvalidBody } from "../invalid-body.ts";
import { enforceLimit } from "../limit-headers.ts";
import { callerOf, renewCookie, requireIdentity, unauthenticated } from "../middleware/identity.ts";
import { readJson } from "../read-json.ts";
import { uiStreamHeaders } from "../sse.ts";
import { conversationRef } from "./conversation-ref.ts";

const clientId = z.string().check(z.regex(clientIdPattern));

/** Of the messages only the last is read, so the others may be anything; unknown fields are ignored. */
const ChatBody = z.object({
  id: clientId,
  messages: z.array(z.unknown()).check(z.minLength(1)),
  trigger: z.optional(z.enum(["submit-message", "regenerate-message"])),
});

const LastMessage = z.object({
  id: clientId,
  role: z.literal("user"),
  parts: z.array(z.union([z.object({ type: z.literal("text"), text: z.string() }), z.object({ type: z.string() })])),
});

const startsMax = 3;

export function chatRoutes(): Hono<AppEnv> {
  return new Hono<AppEnv>()
    .post("/", postTurn)
    .get("/:conversationId/stream", requireIdentity(), resumeTurn)
    .post("/:conversationId/stop", requireIdentity(), async (c) => {
      return c.json({ stopped: await stopTurn(c.get("wire").chat, conversationRef(c)) });
    });
}

async function postTurn(c: Context<AppEnv>): Promise<Response> {
  const claim = c.get("claim");
  if (claim.kind !== "signed") throw unauthenticated();
  const body = await readJson(c, ChatBody, { bytesMax: limits.chatBodyBytesMax });
  const message = readLastMessage(body.messages.at(-1));
  const ref: ConversationRef = { userId: claim.ref.userId, conversationId: body.id };
  const wire = c.get("wire");
  const admitted = await wire.admission.admit({ session: claim.ref, caller: callerOf(c), ref });
  enforceLimit(c, admitted.limit);
  if (admitted.session === undefined) throw unauthenticated();
  await renewCookie(c);
  const isRegeneration = body.trigger === "regenerate-message";
  const stream = createFrameStream();
  let history = admitted.messages;
  for (let attempt = 0; attempt < startsMax; attempt += 1) {
    const outcome = await startTurn(wire.chat, { ref, message, isRegeneration, history }, stream);
    if (outcome.kind !== "cleared") return answer(c, ref, outcome, stream);
    history = await wire.conversations.messages(ref);
  }
  throw new AppError("turn_running", "This conversation is still answering an earlier message.");
}

function answer(
  c: Context<AppEnv>,
  ref: ConversationRef,
  outcome: Exclude<StartOutcome, { kind: "cleared" }>,
  stream: FrameStream,
): Response {
  switch (outcome.kind) {
    case "answered":
      return c.body(replayAnswer(outcome.answer), 200, uiStreamHeaders);
    case "opened":
      return respond(c, stream, outcome.done);
    case "running":
      return respond(c, stream, followTurn(c.get("wire").follow, ref, outcome.turn, stream, c.req.raw.signal));
  }
}

type FrameStream = ReturnType<typeof createFrameStream>;

async function resumeTurn(c: Context<AppEnv>): Promise<Response> {
  const ref = conversationRef(c);
  const wire = c.get("wire");
  for (let attempt = 0; attempt < startsMax; attempt += 1) {
    const records = await wire.chat.log.read(ref);
    const turn = currentTurn(records);
    if (turn === undefined || turn.ending !== undefined) return c.body(null, 204);
    const stream = createFrameStream();
    if (!isDead(wire.chat, turn)) return followRunning(c, ref, turn, stream);
    const taken = await takeUpTurn(wire.chat, ref, turn, records, await wire.conversations.messages(ref), stream);
    if (taken.kind === "taken") return respond(c, stream, taken.done);
  }
  throw new AppError("redis_unavailable", "the turn kept moving while it was being resumed");
}

function followRunning(c: Context<AppEnv>, ref: ConversationRef, turn: TurnState, stream: FrameStream): Response {
  return respond(c, stream, followTurn(c.get("wire").follow, ref, turn, stream, c.req.raw.signal));
}

/**
 * Answers with the stream while `done` goes on; it also goes on when the client leaves, for as long as the platform lets it.
 * A failure breaks the stream: an orderly end before `finish` would look like a whole answer to the client.
 */
function respond(c: Context<AppEnv>, stream: FrameStream, done: Promise<void>): Response {
  const log = c.get("log");
  const settled = done.then(
    () => stream.end(),
    (error: unknown) => {
      log.warn("a chat stream broke off", { cause: error });
      stream.fail(error);
    },
  );
  c.executionCtx.waitUntil(settled);
  return c.body(stream.readable, 200, uiStreamHeaders);
}

function readLastMessage(value: unknown): TurnRequest["message"] {
  const parsed = LastMessage.safeParse(value);
  if (!parsed.success) {
    throw new InvalidBody([{ pointer: "/messages/-1", detail: "must be a user message with an id and text parts" }]);
  }
  const text = parsed.data.parts.flatMap((part) => ("text" in part ? [part.text] : [])).join("\n");
  if (text.trim() === "") throw new InvalidBody([{ pointer: "/messages/-1/parts", detail: "must hold some text" }]);
  if (text.length > limits.messageTextCharsMax) {
    throw new InvalidBody([
      { pointer: "/messages/-1/parts", detail: `must have at most ${limits.messageTextCharsMax} characters` },
    ]);
  }
  return { id: parsed.data.id, text };
}
