/**
 * The offline model: `POST /v1/chat/completions`, `POST /v1/embeddings` and `GET /v1/models` as the OpenAI API speaks them.
 *
 * It proves that a caller speaks the protocol; it is no language model and says so. Any model name is accepted and echoed.
 *
 * Invariants:
 * 1. Each answered chat call is one `modelCall` in the ledger, each answered embedding one `embeddingCall`; refused ones (401, 400, 429, 5xx) are none.
 * 2. Each request is in the log before it is answered, whatever becomes of it.
 * 3. Faults come before scripted behaviours: they are of the network, behaviours are of the model.
 */
import type { IncomingMessage, ServerResponse } from "node:http";
import type { StackClock } from "../clock.ts";
import type { FaultBook, FaultRule } from "../faults.ts";
import type { Ledger } from "../ledger.ts";
import { BodyTooLargeError, readBody } from "../read-body.ts";
import { ApiError } from "./api-error.ts";
import { isRecord, parseChatRequest } from "./chat-request.ts";
import { embeddingDocument, parseEmbeddingRequest } from "./embeddings.ts";
import { createModelControl } from "./model-control.ts";
import type { ModelControl, ReceivedCall } from "./model-control.ts";
import { playResponse } from "./play-response.ts";
import { planAnswer } from "./script-answer.ts";
import type { ResponsePlan } from "./script-answer.ts";
import { think } from "./think.ts";
import { truncatePlan } from "./truncate-plan.ts";

export const OFFLINE_MODEL_NAME = "skipstone-offline";
export const OFFLINE_EMBEDDING_NAME = "skipstone-trigrams";

export interface ModelFront extends ModelControl {
  handle(req: IncomingMessage, res: ServerResponse): void;
  /** Drops every call that is still being answered. */
  close(): Promise<void>;
}

const REQUEST_BYTES_MAX = 10 * 1024 * 1024;
/** 2025-01-01, so that the list of models is the same on every day. */
const MODEL_CREATED_SECONDS = 1_735_689_600;

const modelNames = [OFFLINE_MODEL_NAME, OFFLINE_EMBEDDING_NAME];

/** Makes the front; it holds no socket of its own. `handle` expects the whole path, `/v1` included. */
export function createModelFront(o: {
  apiKey: string;
  clock: StackClock;
  faults: FaultBook;
  ledger: Ledger;
}): ModelFront {
  const control = createModelControl();
  const open = new Set<ServerResponse>();

  async function serve(req: IncomingMessage, res: ServerResponse): Promise<void> {
    const { bodyText, refusal } = await readText(req);
    const path = (req.url ?? "/").split("?")[0] ?? "/";
    const method = req.method ?? "GET";
    const entry = control.record({
      atMs: o.clock.now(),
      method,
      path,
      body: jsonOrText(bodyText),
      status: 0,
      chunksSent: 0,
      outcome: "running",
    });
    const fault = o.faults.take("model", `${method} ${req.url ?? "/"}\n${bodyText}`);
    if (fault?.action === "drop-before") return drop(res, entry);
    if (fault?.action === "delay") await delay(fault.delayMs ?? 0, res);

    const plan = fault?.action === "status" ? statusPlan(fault) : answer(req, refusal, entry, bodyText);
    if (fault?.action === "duplicate")
      answer(req, refusal, control.record({ ...entry, outcome: "completed" }), bodyText);
    if (fault?.action === "drop-after") return drop(res, entry);
    entry.status = plan.status;
    entry.outcome = await playResponse({
      plan: fault?.action === "truncate" ? truncatePlan(plan, fault.truncateBytes ?? 0) : plan,
      res,
      clock: o.clock,
      onPiece: () => void entry.chunksSent++,
    });
  }

  function answer(
    req: IncomingMessage,
    refusal: ApiError | undefined,
    entry: ReceivedCall,
    bodyText: string,
  ): ResponsePlan {
    try {
      authorise(req.headers.authorization);
      if (refusal !== undefined) throw refusal;
      const { method, path } = entry;
      if (path === "/v1/chat/completions" && method === "POST") return chat(entry, bodyText);
      if (path === "/v1/embeddings" && method === "POST") return embeddings(entry);
      if (path === "/v1/models" && method === "GET")
        return documentPlan(200, { object: "list", data: modelNames.map(modelCard) });
      if (path.startsWith("/v1/models/") && method === "GET") return modelByName(path.slice("/v1/models/".length));
      throw unknownUrl(method, path);
    } catch (cause) {
      return errorPlan(cause);
    }
  }

  function chat(entry: ReceivedCall, bodyText: string): ResponsePlan {
    if (!isRecord(entry.body)) throw new ApiError(400, "We could not parse the JSON body of your request.");
    const request = parseChatRequest(entry.body);
    const nowMs = o.clock.now();
    const behaviour = control.take(bodyText);
    const plan = planAnswer({ request, bodyText, number: entry.number, nowMs, behaviour, think: () => think(request) });
    o.ledger.modelCall(request.model);
    return plan;
  }

  function embeddings(entry: ReceivedCall): ResponsePlan {
    const request = parseEmbeddingRequest(entry.body);
    o.ledger.embeddingCall(request.texts.length);
    return documentPlan(200, embeddingDocument(request));
  }

  function authorise(header: string | undefined): void {
    if (header === `Bearer ${o.apiKey}`) return;
    if (header === undefined || !header.startsWith("Bearer ")) {
      throw new ApiError(401, "You didn't provide an API key. Send it in an Authorization header: Bearer YOUR_KEY.");
    }
    const message = "Incorrect API key provided. The local stack's key is in stack/README.md.";
    throw new ApiError(401, message, { code: "invalid_api_key" });
  }

  /** Resolves after `ms` of the stack's time, or when the caller is gone. */
  function delay(ms: number, res: ServerResponse): Promise<void> {
    return new Promise((resolve) => {
      const cancel = o.clock.schedule(o.clock.now() + ms, resolve);
      res.once("close", () => {
        cancel();
        resolve();
      });
    });
  }

  return {
    script: control.script,
    queued: control.queued,
    requests: control.requests,
    reset: control.reset,
    handle(req, res) {
      open.add(res);
      res.once("close", () => open.delete(res));
      serve(req, res).catch(() => res.destroy());
    },
    close() {
      for (const res of open) res.destroy();
      return Promise.resolve();
    },
  };
}

function drop(res: ServerResponse, entry: ReceivedCall): void {
  entry.outcome = "cut";
  res.destroy();
}

async function readText(req: IncomingMessage): Promise<{ bodyText: string; refusal?: ApiError }> {
  try {
    return { bodyText: (await readBody(req, REQUEST_BYTES_MAX)).toString("utf8") };
  } catch (cause) {
    if (cause instanceof BodyTooLargeError) return { bodyText: "", refusal: new ApiError(413, cause.message) };
    throw cause;
  }
}

function jsonOrText(text: string): unknown {
  try {
    return JSON.parse(text) as unknown;
  } catch {
    return text;
  }
}

function modelByName(name: string): ResponsePlan {
  const id = decodeURIComponent(name);
  if (modelNames.includes(id)) return documentPlan(200, modelCard(id));
  throw new ApiError(404, `The model '${name}' does not exist`, { code: "model_not_found", param: "model" });
}

function modelCard(id: string): object {
  return { id, object: "model", created: MODEL_CREATED_SECONDS, owned_by: "skipstone" };
}

function unknownUrl(method: string, path: string): ApiError {
  const isKnownPath = ["/v1/chat/completions", "/v1/embeddings", "/v1/models"].includes(path);
  if (isKnownPath) return new ApiError(405, `Not allowed to ${method} on ${path}`, { code: "method_not_supported" });
  return new ApiError(404, `Invalid URL (${method} ${path})`, { code: "unknown_url" });
}

function errorPlan(cause: unknown): ResponsePlan {
  const error = cause instanceof ApiError ? cause : new ApiError(500, `The offline model failed: ${String(cause)}`);
  return {
    status: error.status,
    headers: { "content-type": "application/json", ...error.headers },
    pieces: [error.body()],
    msPerPiece: 0,
    pace: "real",
    ending: "end",
  };
}

function statusPlan(fault: FaultRule): ResponsePlan {
  const status = fault.status ?? 503;
  const plan = errorPlan(new ApiError(status, "The local stack was told to answer so."));
  return {
    ...plan,
    headers: { ...plan.headers, ...fault.headers },
    ...(fault.body === undefined ? {} : { pieces: [fault.body] }),
  };
}

function documentPlan(status: number, document: object): ResponsePlan {
  return {
    status,
    headers: { "content-type": "application/json" },
    pieces: [`${JSON.stringify(document)}\n`],
    msPerPiece: 0,
    pace: "real",
    ending: "end",
  };
}
