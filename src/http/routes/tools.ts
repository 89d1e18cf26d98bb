/** Tools: the list, calls that go through the queue, and their deliveries. */
import { Hono, type Context } from "hono";
import { createMiddleware } from "hono/factory";
import * as z from "zod/mini";
import { chatAgentId } from "../../agent/chat-tools.ts";
import { AppError } from "../../core/errors.ts";
import { clientIdPattern, isClientId, isExecutionId, isUserId } from "../../core/ids.ts";
import { limits } from "../../core/limits.ts";
import { deliverTool } from "../../tool/deliver-tool.ts";
import { viewExecution } from "../../tool/execution-view.ts";
import { queueTool } from "../../tool/queue-tool.ts";
import { isPassing, type ToolFailure } from "../../tool/tool-failure.ts";
import { fullGrant } from "../../tool/tool-grant.ts";
import { isToolName } from "../../tool/tool.ts";
import type { AppEnv } from "../app-env.ts";
import { InvalidBody } from "../invalid-body.ts";
import { identityOf, requireIdentity } from "../middleware/identity.ts";
import {
  messageIdOf,
  neverAgain,
  parseDelivery,
  retriedOf,
  signed,
  type DeliveryEnv,
} from "../middleware/signed-delivery.ts";
import { retryAfter } from "../problem.ts";
import { readJson } from "../read-json.ts";

const delaySecondsMax = limits.queueDelayMsMax / 1000;

export const QueueBody = z.strictObject({
  parameters: z.optional(z.unknown()),
  /** Seconds. */
  delay: z.optional(z.int().check(z.gte(0), z.lte(delaySecondsMax))),
  retries: z.optional(z.int().check(z.gte(0), z.lte(limits.toolQueueRetriesMax))),
  deduplicationId: z.optional(z.string().check(z.minLength(1), z.maxLength(limits.deduplicationIdCharsMax))),
  conversationId: z.optional(z.string().check(z.regex(clientIdPattern))),
});

export const OrderBody = z.object({
  userId: z.string().check(z.refine(isUserId)),
  executionId: z.string().check(z.refine(isExecutionId)),
  agentId: z.string(),
  conversationId: z.optional(z.string().check(z.refine(isClientId))),
  scopes: z.array(z.string()),
  tool: z.string(),
  digest: z.string(),
  queuedAtMs: z.int(),
  notBeforeMs: z.int(),
  retries: z.int(),
  parameters: z.optional(z.unknown()),
});

/** Mounted at `/api/tools`. The list is the same for everybody and costs no I/O, so it needs no session and no limit. */
export function toolRoutes() {
  return new Hono<DeliveryEnv>()
    .get("/", async (c) => c.json({ tools: (await c.get("wire").answering()).tools.describe() }))
    .get("/executions/:executionId", requireIdentity(), execution)
    .post("/:name/queue", requireIdentity(), queueOne)
    .post("/:name", toolNamed(), signed(limits.toolOrderBytesMax), deliverOne);
}

/** @throws not_found (refuse) for what cannot be the name of a tool. */
function toolNamed() {
  return createMiddleware<AppEnv>(async (c, next) => {
    if (!isToolName(c.req.param("name"))) throw noSuchTool();
    await next();
  });
}

/** 202 once the queue has it. Repeated with the same `deduplicationId` it is the same execution. */
async function queueOne(c: Context<AppEnv>): Promise<Response> {
  const { userId } = identityOf(c);
  const { registry, ...parts } = await c.get("wire").queuedTools();
  const tool = registry.get(c.req.param("name") ?? "");
  if (tool === undefined) throw noSuchTool();
  const { parameters = {}, delay = 0, retries = limits.toolQueueRetries, ...body } = await readJson(c, QueueBody);
  if (JSON.stringify(parameters).length > limits.toolInputCharsMax) {
    throw new InvalidBody([
      { pointer: "/parameters", detail: `must have at most ${limits.toolInputCharsMax} characters of JSON` },
    ]);
  }
  const input = tool.readInput(parameters);
  if (input.kind === "misfit") {
    throw new InvalidBody(input.problems.map(({ pointer, detail }) => ({ pointer: `/parameters${pointer}`, detail })));
  }
  const outcome = await queueTool(parts, {
    userId,
    agentId: chatAgentId,
    conversationId: body.conversationId,
    scopes: fullGrant.scopes,
    tool: tool.name,
    parameters,
    delaySeconds: delay,
    retries,
    deduplicationId: body.deduplicationId,
  });
  if (outcome.kind === "taken") {
    throw new AppError("id_taken", "This deduplicationId was used for a call with other parameters.");
  }
  const { executionId, messageId, status } = outcome;
  c.header("Location", `/api/tools/executions/${executionId}`);
  return c.json({ executionId, messageId, status }, 202);
}

async function execution(c: Context<AppEnv>): Promise<Response> {
  const executionId = c.req.param("executionId") ?? "";
  if (!isExecutionId(executionId)) throw noSuchExecution();
  const { executions } = await c.get("wire").queuedTools();
  const found = await executions.read({ userId: identityOf(c).userId, executionId });
  if (found === undefined) throw noSuchExecution();
  return c.json(viewExecution(executionId, found));
}

async function deliverOne(c: Context<DeliveryEnv>): Promise<Response> {
  const order = parseDelivery(OrderBody, c);
  if (order === undefined || order.tool !== c.req.param("name")) return neverAgain(c);
  const isInternal = c.get("isInternal");
  const delivery = { messageId: messageIdOf(c) ?? order.executionId, retried: retriedOf(c) };
  // A call of our own is made once.
  const request = { order: { ...order, parameters: order.parameters }, delivery, isRetried: !isInternal };
  const parts = await c.get("wire").queuedTools();
  if (isInternal) return acceptInternal(c, () => deliverTool(parts, { ...request, signal: never }));
  const outcome = await deliverTool(parts, { ...request, signal: c.req.raw.signal });
  switch (outcome.kind) {
    case "completed":
      return c.json({ result: outcome.output });
    case "dropped":
      return c.json({ outcome: "dropped" });
    case "failed":
    case "retrying":
      return failureAnswer(c, outcome.failure);
  }
}

/** Nobody waits for the answer of a call of our own. */
function acceptInternal(c: Context<DeliveryEnv>, work: () => Promise<unknown>): Response {
  const lost = (cause: unknown): void => c.get("log").warn("a tool's delivery broke off", { cause });
  c.executionCtx.waitUntil(work().catch(lost));
  return c.json({ outcome: "accepted" }, 202);
}

const never = new AbortController().signal;

/** To the queue: 503 for what may work later, 489 for what will not. */
function failureAnswer(c: Context<DeliveryEnv>, failure: ToolFailure): Response {
  const { code, errorText: message, retryAfterMs } = failure;
  if (!isPassing(failure)) return neverAgain(c, { error: { code, message } });
  if (retryAfterMs !== undefined) c.header("Retry-After", retryAfter(retryAfterMs));
  return c.json({ error: { code, message } }, 503);
}

function noSuchTool(): AppError {
  return new AppError("not_found", "There is no such tool.");
}

function noSuchExecution(): AppError {
  return new AppError("not_found", "There is no such execution.");
}
