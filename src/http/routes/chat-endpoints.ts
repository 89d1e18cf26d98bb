import type { Context } from "hono";
import * as z from "zod/mini";
import {
  completeAnswer,
  isDead,
  startTurn,
  stopTurn,
  takeUpTurn,
  type StartOutcome,
  type TurnRequest,
} from "../../agent/chat.ts";
import { followTurn } from "../../agent/follow-turn.ts";
import { currentTurn, type TurnState } from "../../agent/turn-state.ts";
import { replayAnswer } from "../../agent/ui-projection.ts";
import { AppError } from "../../core/errors.ts";
import { clientIdPattern } from "../../core/ids.ts";
import { limits } from "../../core/limits.ts";
import type { ConversationRef } from "../../event/event-log.ts";
import { allowanceOf, budgetSpent, type Allowance } from "../../limit/token-budget.ts";
import { isProven } from "../../session/claim.ts";
import type { Admitted } from "../admission.ts";
import type { AppEnv } from "../app-env.ts";
import { createFrameStream, type FrameStream } from "../frame-stream.ts";
import { InvalidBody } from "../invalid-body.ts";
import { enforceLimit } from "../limit-headers.ts";
import { admitIdentity, callerOf, unauthenticated } from "../middleware/identity.ts";
import { readJson } from "../read-json.ts";
import { uiStreamHeaders } from "../sse.ts";
import { respondWithUi } from "../ui-response.ts";
import { conversationRef } from "./conversation-ref.ts";

const clientId = z.string().check(z.regex(clientIdPattern));

/** Of the messages only the last is read, so the others may be anything; unknown fields are ignored. */
export const ChatBody = z.object({
  id: clientId,
  messages: z.array(z.unknown()).check(z.minLength(1)),
  trigger: z.optional(z.enum(["submit-message", "regenerate-message"])),
  /** Has an agent of the caller answer, in a run of its own. */
  agentId: z.optional(z.string()),
});

const LastMessage = z.object({
  id: clientId,
  role: z.literal("user"),
  parts: z.array(z.union([z.object({ type: z.literal("text"), text: z.string() }), z.object({ type: z.string() })])),
});

const Approval = z.object({
  id: z.string(),
  approved: z.boolean(),
  reason: z.optional(z.string().check(z.maxLength(limits.approvalReasonCharsMax))),
});

/** An answer of an agent that waited for its user's word, as `useChat` sends it back with that word. */
const ApprovedMessage = z.object({
  role: z.literal("assistant"),
  parts: z.array(
    z.union([
      z.object({
        state: z.literal("approval-responded"),
        approval: Approval,
      }),
      z.object({ type: z.string() }),
    ]),
  ),
});

const startsMax = 3;

export async function postStop(c: Context<AppEnv>): Promise<Response> {
  const ref = conversationRef(c);
  const isStopped = await stopTurn((await c.get("wire").answering()).chat, ref);
  const areStopped = await (await agentChat()).stopAgentTurns(c, ref);
  return c.json({ stopped: isStopped || areStopped });
}

/** Most chats have no agent: its code is loaded by the first request that does. */
function agentChat(): Promise<typeof import("../agent-chat.ts")> {
  return import("../agent-chat.ts");
}

export async function postTurn(c: Context<AppEnv>): Promise<Response> {
  const claim = c.get("claim");
  if (!isProven(claim)) throw unauthenticated(claim);
  const body = await readJson(c, ChatBody, { bytesMax: limits.chatBodyBytesMax });
  const approvals = readApprovals(body.messages.at(-1));
  const message = approvals === undefined ? readLastMessage(body.messages.at(-1)) : undefined;
  const ref: ConversationRef = { userId: claim.userId, conversationId: body.id };
  const wire = c.get("wire");
  const admitted = await wire.admission.admit({ claim, caller: callerOf(c), ref });
  enforceLimit(c, "chat", admitted.limit);
  await admitIdentity(c, admitted.identity);
  if (message === undefined) return (await agentChat()).answerApprovals(c, ref.userId, approvals ?? []);
  const isRegeneration = body.trigger === "regenerate-message";
  const allowance = readAllowance(c, admitted, { message, isRegeneration });
  const { agentId } = body;
  if (agentId !== undefined) return (await agentChat()).startAgentTurn(c, { ref, message, agentId, isRegeneration });
  const { chat } = await wire.answering();
  const stream = createFrameStream();
  let { memory } = admitted;
  for (let attempt = 0; attempt < startsMax; attempt += 1) {
    const outcome = await startTurn(chat, { ref, message, isRegeneration, memory, allowance }, stream);
    if (outcome.kind !== "cleared") return answer(c, ref, outcome, stream);
    memory = await wire.conversations.memory(ref);
  }
  throw new AppError("turn_running", "This conversation is still answering an earlier message.");
}

/** An answer that is there costs nothing. @throws rate_limited (refuse) where the day's tokens are used up. */
function readAllowance(
  c: Context<AppEnv>,
  { tokensSpent, identity, memory }: Admitted,
  request: Pick<TurnRequest, "message" | "isRegeneration">,
): Allowance | undefined {
  const { tokenBudget, clock } = c.get("wire");
  if (tokenBudget === undefined || tokensSpent === undefined) return undefined;
  const allowance = allowanceOf({
    spent: tokensSpent,
    tokensPerDay: tokenBudget.tokensPerDay,
    keyTokensPerDay: identity?.tokensPerDay,
    nowMs: clock.now(),
  });
  const isAnswered = completeAnswer({ ...request, memory }) !== undefined;
  if (allowance.left <= 0 && !isAnswered) throw budgetSpent(allowance, clock.now());
  return allowance;
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
      return respondWithUi(c, stream, outcome.done);
    case "running":
      return respondWithUi(c, stream, followTurn(c.get("wire").follow, ref, outcome.turn, stream, c.req.raw.signal));
  }
}

export async function resumeTurn(c: Context<AppEnv>): Promise<Response> {
  const ref = conversationRef(c);
  const wire = c.get("wire");
  const { chat } = await wire.answering();
  for (let attempt = 0; attempt < startsMax; attempt += 1) {
    const records = await chat.log.read(ref);
    const turn = currentTurn(records);
    if (turn === undefined || turn.ending !== undefined) {
      return (await (await agentChat()).resumeAgentTurn(c, ref)) ?? c.body(null, 204);
    }
    const stream = createFrameStream();
    if (!isDead(chat, turn)) return followRunning(c, ref, turn, stream);
    const taken = await takeUpTurn(chat, ref, turn, records, await wire.conversations.memory(ref), stream);
    if (taken.kind === "taken") return respondWithUi(c, stream, taken.done);
  }
  throw new AppError("redis_unavailable", "the turn kept moving while it was being resumed");
}

function followRunning(c: Context<AppEnv>, ref: ConversationRef, turn: TurnState, stream: FrameStream): Response {
  return respondWithUi(c, stream, followTurn(c.get("wire").follow, ref, turn, stream, c.req.raw.signal));
}

/** `undefined` for a message that answers no approval. */
function readApprovals(value: unknown): z.infer<typeof Approval>[] | undefined {
  const parsed = ApprovedMessage.safeParse(value);
  if (!parsed.success) return undefined;
  const approvals = parsed.data.parts.flatMap((part) => ("approval" in part ? [part.approval] : []));
  return approvals.length === 0 ? undefined : approvals;
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
