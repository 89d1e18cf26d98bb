/**
 * What the queue and operators call. Deliveries are signed over their raw body and URL; nobody else gets past the signature, and nothing is read or written before it
 * holds.
 *
 * | answer | means to the queue |
 * |---|---|
 * | 200 | done, also when there was nothing to do |
 * | 401 | not signed by the queue |
 * | 489 | never try this again: it is not understood, or only a person can help |
 * | 503 with Retry-After | try again: a dependency failed, or another segment may be dead and is not yet known to be |
 */
import { Hono, type Context } from "hono";
import { createMiddleware } from "hono/factory";
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
import { checkSignature } from "../check-signature.ts";
import { isSameText } from "../same-text.ts";
import { sweepAll } from "../sweep-all.ts";
import { retryAfter } from "../problem.ts";
import { readText } from "../read-json.ts";

const TriggerBody = z.object({
  userId: z.string().check(z.refine(isUserId)),
  runId: z.string().check(z.refine(isRunId)),
  definition: z.string().check(z.maxLength(128)),
  after: z.optional(z.int().check(z.gte(0))),
});

const TurnBody = z.object({
  userId: z.string().check(z.refine(isUserId)),
  conversationId: z.string().check(z.refine(isClientId)),
});

const FiringBody = z.object({
  userId: z.string().check(z.refine(isUserId)),
  scheduleId: z.string().check(z.refine(isScheduleId)),
});

const CallQuery = z.object({
  userId: z.string().check(z.refine(isUserId)),
  runId: z.string().check(z.refine(isRunId)),
  signal: z.string().check(z.startsWith("$call "), z.maxLength(1_000)),
});

const CallbackBody = z.object({
  status: z.int(),
  body: z.optional(z.string()),
  retried: z.int(),
  maxRetries: z.int(),
});

type EngineEnv = AppEnv & { Variables: { rawBody: string; isInternal: boolean } };

/** Mounted at `/api/engine`. */
export function engineRoutes() {
  return new Hono<EngineEnv>()
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

/** Lets in what the queue has signed, and what carries the internal key. @throws invalid_signature, body_too_large (both refuse) */
function signed(bytesMax: number) {
  return createMiddleware<EngineEnv>(async (c, next) => {
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

async function executeStep(c: Context<EngineEnv>): Promise<Response> {
  const trigger = parse(TriggerBody, c.get("rawBody"));
  if (trigger === undefined) return neverAgain(c);
  const { userId, runId, definition, after } = trigger;
  const order = { ref: { userId, runId }, definition, ...(after === undefined ? {} : { after }) };
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
  c: Context<EngineEnv>,
  outcome: { readonly kind: string; readonly retryAfterMs?: number },
): Response {
  if (outcome.retryAfterMs === undefined || retriedOf(c) >= heldRetriesMax) return c.json({ outcome: outcome.kind });
  c.header("Retry-After", retryAfter(outcome.retryAfterMs + 1));
  return c.json({ outcome: outcome.kind }, 503);
}

async function continueOneTurn(c: Context<EngineEnv>): Promise<Response> {
  const ref = parse(TurnBody, c.get("rawBody"));
  if (ref === undefined) return neverAgain(c);
  const { chat, conversations } = c.get("wire");
  const memory = (): Promise<ConversationMemory> => conversations.memory(ref);
  const work = continueTurn(chat, ref, { memory, leaseMs: writerLimits.leaseMs });
  if (!c.get("isInternal")) return answerFor(c, await work);
  c.executionCtx.waitUntil(work.catch((error: unknown) => c.get("log").warn("a turn broke off", { cause: error })));
  return c.json({ outcome: "accepted" }, 202);
}

async function firing(c: Context<EngineEnv>): Promise<Response> {
  const ref = parse(FiringBody, c.get("rawBody"));
  const messageId = deliveryOf(c)?.messageId;
  if (ref === undefined || messageId === undefined) return neverAgain(c);
  const { fireOne } = await import("./fire-schedule.ts");
  return fireOne(c as unknown as Context<AppEnv>, ref, messageId);
}

/** By then the lease is over; if the run is held still, its segment lives, and the sweep watches it. */
const heldRetriesMax = 2;

/** The answer to a request that the queue made for a run. Failures that will be tried again are not the answer yet. */
async function callResult(c: Context<EngineEnv>): Promise<Response> {
  const query = z.safeParse(CallQuery, c.req.query());
  const callback = parse(CallbackBody, c.get("rawBody"));
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
  const text = textOf(base64);
  return text.length > limits.callAnswerCharsMax ? undefined : text;
}

function textOf(base64: string): string {
  try {
    return new TextDecoder().decode(Uint8Array.from(atob(base64), (char) => char.charCodeAt(0)));
  } catch {
    return "";
  }
}

function deliveryOf(c: Context<EngineEnv>): Delivery | undefined {
  const messageId = c.req.header("Upstash-Message-Id");
  if (messageId === undefined || messageId.length > limits.messageIdCharsMax) return undefined;
  return { messageId, retried: retriedOf(c) };
}

function retriedOf(c: Context<EngineEnv>): number {
  const retried = Number(c.req.header("Upstash-Retried") ?? 0);
  return Number.isSafeInteger(retried) && retried >= 0 ? retried : 0;
}

function parse<T>(schema: z.core.$ZodType<T>, text: string): T | undefined {
  try {
    const parsed = z.safeParse(schema, JSON.parse(text));
    return parsed.success ? parsed.data : undefined;
  } catch {
    return undefined;
  }
}

/** Source: QStash, `Upstash-NonRetryable-Error`: the message goes to the dead letters at once. */
function neverAgain(c: Context<EngineEnv>): Response {
  c.get("log").warn("a delivery is refused for good", {});
  return new Response(JSON.stringify({ outcome: "refused" }), {
    status: 489,
    headers: { "Content-Type": "application/json", "Upstash-NonRetryable-Error": "true" },
  });
}
