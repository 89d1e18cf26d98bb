/** What the queue and operators call. */
import { Hono, type Context } from "hono";
import * as z from "zod/mini";
import { continueTurn } from "../../agent/continue-turn.ts";
import { asAppError } from "../../core/errors.ts";
import { isClientId, isRunId, isScheduleId, isUserId } from "../../core/ids.ts";
import { limits } from "../../core/limits.ts";
import { actOnRun } from "../../engine/act-on-run.ts";
import type { Delivery } from "../../engine/journal-entry.ts";
import { openSegment } from "../../engine/open-segment.ts";
import { writerLimits } from "../../event/log-writer.ts";
import type { ConversationMemory } from "../../memory/summary.ts";
import type { AppEnv } from "../app-env.ts";
import { textOfBase64 } from "../text-of-base64.ts";
import {
  messageIdOf,
  neverAgain,
  parseDelivery,
  retriedOf,
  signed,
  type DeliveryEnv,
} from "../middleware/signed-delivery.ts";
import { sweepAll } from "../sweep-all.ts";
import { retryAfter } from "../problem.ts";

export const TriggerBody = z.object({
  userId: z.string().check(z.refine(isUserId)),
  runId: z.string().check(z.refine(isRunId)),
  definition: z.string().check(z.maxLength(128)),
  after: z.optional(z.int().check(z.gte(0))),
  volume: z.optional(z.int().check(z.gte(0))),
});

export const TurnBody = z.object({
  userId: z.string().check(z.refine(isUserId)),
  conversationId: z.string().check(z.refine(isClientId)),
});

export const FiringBody = z.object({
  userId: z.string().check(z.refine(isUserId)),
  scheduleId: z.string().check(z.refine(isScheduleId)),
});

export const CallQuery = z.object({
  userId: z.string().check(z.refine(isUserId)),
  runId: z.string().check(z.refine(isRunId)),
  signal: z.string().check(z.startsWith("$call "), z.maxLength(1_000)),
});

export const CallbackBody = z.object({
  status: z.int(),
  body: z.optional(z.string()),
  retried: z.int(),
  maxRetries: z.int(),
});

/** Mounted at `/api/engine`. */
export function engineRoutes() {
  return new Hono<DeliveryEnv>()
    .onError((error, c) => {
      if (asAppError(error).disposition !== "park") throw error;
      c.get("log").error("a delivery cannot be worked on", { error });
      return neverAgain(c);
    })
    .post("/execute-step", signed(limits.triggerBodyBytesMax), executeStep)
    .post("/call-result", signed(limits.callbackBodyBytesMax), callResult)
    .post("/continue-turn", signed(limits.triggerBodyBytesMax), continueOneTurn)
    .post("/fire-schedule", signed(limits.triggerBodyBytesMax), firing)
    .post("/resume", signed(limits.triggerBodyBytesMax), async (c) => {
      return c.json(await sweepAll(c.get("wire")));
    });
}

async function executeStep(c: Context<DeliveryEnv>): Promise<Response> {
  const trigger = parseDelivery(TriggerBody, c);
  if (trigger === undefined) return neverAgain(c);
  const { userId, runId, volume, definition, after } = trigger;
  const ref = { userId, runId, ...(volume === undefined ? {} : { volume }) };
  const order = { ref, definition, ...(after === undefined ? {} : { after }) };
  const { engine } = await c.get("wire").runs();
  const work = openSegment(engine, order, deliveryOf(c));
  // A call of our own does not wait: whoever made it is a segment that has to end.
  if (c.get("isInternal")) {
    c.executionCtx.waitUntil(
      work.catch((error: unknown) => c.get("log").warn("a segment broke off", { runId, cause: error })),
    );
    return c.json({ outcome: "accepted" }, 202);
  }
  const outcome = await work;
  return outcome.kind === "ran" ? c.json({ outcome: outcome.end }) : answerFor(c, outcome);
}

/** A run or a turn that could not be taken up. */
function answerFor(
  c: Context<DeliveryEnv>,
  outcome: { readonly kind: string; readonly retryAfterMs?: number },
): Response {
  if (outcome.retryAfterMs === undefined || retriedOf(c) >= heldRetriesMax) return c.json({ outcome: outcome.kind });
  c.header("Retry-After", retryAfter(outcome.retryAfterMs + 1));
  return c.json({ outcome: outcome.kind }, 503);
}

async function continueOneTurn(c: Context<DeliveryEnv>): Promise<Response> {
  const ref = parseDelivery(TurnBody, c);
  if (ref === undefined) return neverAgain(c);
  const { conversations } = c.get("wire");
  const { chat } = await c.get("wire").answering();
  const memory = (): Promise<ConversationMemory> => conversations.memory(ref);
  const work = continueTurn(chat, ref, { memory, leaseMs: writerLimits.leaseMs });
  if (!c.get("isInternal")) return answerFor(c, await work);
  c.executionCtx.waitUntil(work.catch((error: unknown) => c.get("log").warn("a turn broke off", { cause: error })));
  return c.json({ outcome: "accepted" }, 202);
}

async function firing(c: Context<DeliveryEnv>): Promise<Response> {
  const ref = parseDelivery(FiringBody, c);
  const messageId = messageIdOf(c);
  if (ref === undefined || messageId === undefined) return neverAgain(c);
  const { fireOne } = await import("./fire-schedule.ts");
  return fireOne(c as unknown as Context<AppEnv>, ref, messageId);
}

/** By then the lease is over; if the run is held still, its segment lives, and the sweep watches it. */
const heldRetriesMax = 2;

/** The answer to a request that the queue made for a run. Failures that will be tried again are not the answer yet. */
async function callResult(c: Context<DeliveryEnv>): Promise<Response> {
  const query = z.safeParse(CallQuery, c.req.query());
  const callback = parseDelivery(CallbackBody, c);
  if (!query.success || callback === undefined) return neverAgain(c);
  const { userId, runId, signal } = query.data;
  const { status, retried, maxRetries } = callback;
  const isFinal = (status >= 200 && status < 300) || retried >= maxRetries;
  if (!isFinal) return c.json({ outcome: "waiting" });
  const text = decodeBody(callback.body);
  const payload = text === undefined ? { status, body: "", isTooLarge: true } : { status, body: text };
  const id = `call:${signal}`;
  const outcome = await actOnRun(
    (await c.get("wire").runs()).engine,
    { userId, runId },
    { kind: "signal", id, name: signal, payload },
  );
  return c.json({ outcome: outcome.kind });
}

/** `undefined` for what is too large. What is clearly so is not even decoded: it may have megabytes. */
function decodeBody(base64 = ""): string | undefined {
  // Four characters of base64 are three bytes, and a character has at most four of those.
  if (base64.length / 4 > (limits.callAnswerCharsMax * 4) / 3 + 1) return undefined;
  const text = textOfBase64(base64);
  return text.length > limits.callAnswerCharsMax ? undefined : text;
}

function deliveryOf(c: Context<DeliveryEnv>): Delivery | undefined {
  const messageId = messageIdOf(c);
  return messageId === undefined ? undefined : { messageId, retried: retriedOf(c) };
}
