/**
 * A local QStash: the HTTP API below `/v2/` and the deliveries that follow from it.
 * Source: the QStash part of the protocol document. Whatever a client sends, the process goes on.
 *
 * What an answer says has been written to the storage before the answer leaves.
 */
import type { IncomingMessage, ServerResponse } from "node:http";
import type { StackClock } from "../clock.ts";
import type { FaultBook, FaultRule } from "../faults.ts";
import type { Ledger } from "../ledger.ts";
import { memoryStorage, type Storage } from "../storage/collection.ts";
import { createTraffic, type Traffic } from "../traffic.ts";
import { createWorkflow } from "../workflow/workflow.ts";
import { ApiError } from "./api-error.ts";
import { createAttempt } from "./attempt.ts";
import { createSendCallbacks } from "./callbacks.ts";
import { createConclude, type Conclude } from "./conclude-message.ts";
import { createDeadLettersResource } from "./dead-letters-resource.ts";
import { createDeadLetterStore } from "./dead-letter-store.ts";
import { createDeduplicationBook } from "./deduplication.ts";
import { createDispatcher, type Dispatcher } from "./dispatcher.ts";
import { createEventLog } from "./event-log.ts";
import { createEventsResource } from "./events-resource.ts";
import { createFlowGate } from "./flow-gate.ts";
import { createFlowsResource } from "./flows-resource.ts";
import { createGroupStore } from "./group-store.ts";
import { createGroupsResource } from "./groups-resource.ts";
import { readBody, sendJson, sendTruncated } from "./http-io.ts";
import { createKeysResource } from "./keys-resource.ts";
import { batchBytesMax, messageBytesMax } from "./limits.ts";
import type { Message } from "./message.ts";
import { createMessagesResource } from "./messages-resource.ts";
import { createMessageStore } from "./message-store.ts";
import { createRefuseOwn, type OwnAddress } from "./own-destination.ts";
import { createPublish } from "./publish.ts";
import { createPublishResource } from "./publish-resource.ts";
import { createQueueGate } from "./queue-gate.ts";
import { createQueueStore } from "./queue-store.ts";
import { createQueuesResource } from "./queues-resource.ts";
import type { ApiAnswer, ApiRequest, Resource } from "./route.ts";
import { createSchedulesResource } from "./schedules-resource.ts";
import { createSchedules } from "./schedules.ts";
import { createSigningKeys } from "./signing-keys.ts";

export interface QstashFront {
  /** Answers one request whose URL begins with `/v2/`. */
  handle(request: IncomingMessage, response: ServerResponse): void;
  /** Begins with the messages that the storage held, if that was put off. */
  takeUp(): void;
  /** Resolves when no delivery is under way or due; what waits for its time does not count. */
  idle(): Promise<void>;
  /** Aborts what is under way and delivers nothing more. What waits stays in the storage, which the caller closes. */
  close(): Promise<void>;
}

/**
 * Takes up what the storage holds, which is in memory by default; with `takesUpLater` only when it is told to. Messages to
 * `listensAt` are refused. `retryScale` (1 by default) shortens or lengthens the default retry schedule alone. Deliveries to
 * workflows longer than `lazyFetchBytes` come without a body, which the SDK fetches then; by default none does. Clock and
 * storage stay the caller's.
 */
export function createQstashFront(o: {
  token: string;
  currentSigningKey: string;
  nextSigningKey: string;
  clock: StackClock;
  faults: FaultBook;
  ledger: Ledger;
  traffic?: Traffic;
  storage?: Storage;
  takesUpLater?: boolean;
  listensAt?: OwnAddress;
  retryScale?: number;
  lazyFetchBytes?: number;
}): QstashFront {
  const closing = new AbortController();
  const storage = o.storage ?? memoryStorage();
  const { routes, dispatcher, schedules, workflow } = createResources(o, storage, closing.signal);
  if (o.takesUpLater !== true) takeUp();

  function takeUp(): void {
    workflow.takeUp();
    dispatcher.takeUp();
  }

  async function serve(request: IncomingMessage, response: ServerResponse): Promise<void> {
    const read = await readRequest(request);
    const fault = o.faults.take("qstash", () => `${read.method} ${request.url}\n${read.body.toString("utf8")}`);
    if (fault?.action === "drop-before") return void response.destroy();
    if (fault?.action === "status") return sendFault(response, fault);
    if (fault?.action === "delay") await pause(o.clock, fault.delayMs ?? 0);
    const answer = answerTo(read, o.token, routes);
    if (fault?.action === "duplicate") answerTo(read, o.token, routes);
    if (!(await storage.flushed())) throw new Error("the state could not be written");
    if (fault?.action === "drop-after") return void response.destroy();
    const { status, value } = answer;
    if (fault?.action === "truncate") return sendTruncated(response, status, value, fault.truncateBytes ?? 0);
    sendJson(response, status, value);
  }

  return {
    handle(request, response) {
      serve(request, response).catch((error: unknown) => refuse(response, error));
    },
    takeUp,
    idle: () => dispatcher.idle(),
    async close() {
      schedules.close();
      workflow.close();
      dispatcher.close();
      closing.abort();
      await dispatcher.idle();
    },
  };
}

function createResources(o: Parameters<typeof createQstashFront>[0], storage: Storage, closing: AbortSignal) {
  const { now } = o.clock;
  const keys = createSigningKeys(storage.collection("signing-keys"), {
    current: o.currentSigningKey,
    next: o.nextSigningKey,
  });
  const messages = createMessageStore(storage.collection("messages"));
  const deadLetters = createDeadLetterStore(storage.collection("dead-letters"));
  const events = createEventLog(storage.collection("events"), now);
  const resume = (message: Message) => dispatcher.resume(message);
  const refuseOwn = createRefuseOwn(o.listensAt);
  const workflow = createWorkflow({
    clock: o.clock,
    storage,
    messages,
    dispatcher: { accept: (message) => dispatcher.accept(message), cancel: (id) => dispatcher.cancel(id) },
    refuseOwn,
    token: o.token,
    lazyFetchBytes: o.lazyFetchBytes,
    closing,
  });
  const flowGate = createFlowGate({ clock: o.clock, limits: storage.collection("flow-limits"), resume });
  // Callbacks are published and publishing needs the dispatcher, so one of the two is filled in afterwards.
  let conclude: Conclude = () => [];
  const groups = createGroupStore(storage.collection("groups"), now);
  const queues = createQueueStore(storage.collection("queues"), now);
  const queueGate = createQueueGate({
    queues,
    places: storage.collection("queue-places"),
    isAlive: (messageId) => messages.get(messageId) !== undefined,
    resume,
  });
  const traffic = o.traffic ?? createTraffic();
  const attempt = createAttempt({ clock: o.clock, keys, traffic, ledger: o.ledger, closing });
  const dispatcher: Dispatcher = createDispatcher({
    clock: o.clock,
    ledger: o.ledger,
    faults: o.faults,
    messages,
    events,
    attempt: workflow.attemptBy(attempt),
    queueGate,
    flowGate,
    conclude: (ending) => (ending.message.run === undefined ? conclude(ending) : workflow.conclude(ending)),
    flushed: storage.flushed,
    retryScale: o.retryScale ?? 1,
  });
  const deduplication = createDeduplicationBook(storage.collection("deduplication"));
  const { takeForRun } = workflow;
  const publish = createPublish({ dispatcher, deduplication, queues, groups, refuseOwn, takeForRun, now });
  const schedules = createSchedules({ clock: o.clock, schedules: storage.collection("schedules"), publish });
  conclude = createConclude({ deadLetters, sendCallbacks: createSendCallbacks(publish), now });
  const resources: Resource[] = [
    createPublishResource(publish),
    ...workflow.resources,
    createQueuesResource({ queues, gate: queueGate, messages, dispatcher }),
    createGroupsResource(groups, refuseOwn),
    createFlowsResource({ flowGate, dispatcher }),
    createSchedulesResource({ schedules, queues, groups, messages, events, refuseOwn, clock: o.clock }),
    createMessagesResource({ messages, dispatcher }),
    createDeadLettersResource({ deadLetters, dispatcher, clock: o.clock }),
    createEventsResource(events),
    createKeysResource(keys),
  ];
  return { routes: { resources, openResources: workflow.openResources }, dispatcher, schedules, workflow };
}

interface Routes {
  resources: readonly Resource[];
  /** These need no token. */
  openResources: readonly Resource[];
}

/** A refusal is an answer too, so that the faults treat both alike. */
function answerTo(request: ApiRequest, token: string, routes: Routes): ApiAnswer {
  try {
    const openAnswer = firstAnswer(request, routes.openResources);
    if (openAnswer !== undefined) return openAnswer;
    if (!isAuthorized(request, token)) throw new ApiError(401, "unauthorized: missing or invalid token");
    const answer = firstAnswer(request, routes.resources);
    if (answer !== undefined) return answer;
    throw new ApiError(404, `${request.method} /v2/${request.path} not found`);
  } catch (error) {
    if (!(error instanceof ApiError)) throw error;
    return { status: error.status, value: { error: error.message } };
  }
}

function firstAnswer(request: ApiRequest, resources: readonly Resource[]): ApiAnswer | undefined {
  for (const resource of resources) {
    const answer = resource(request);
    if (answer !== undefined) return answer;
  }
  return undefined;
}

function isAuthorized(request: ApiRequest, token: string): boolean {
  return request.headers["authorization"] === `Bearer ${token}` || request.query.get("qstash_token") === token;
}

async function readRequest(request: IncomingMessage): Promise<ApiRequest> {
  const raw = (request.url ?? "").replace(/^\/v2\//, "");
  const queryStart = raw.indexOf("?");
  const path = queryStart < 0 ? raw : raw.slice(0, queryStart);
  const rawQuery = queryStart < 0 ? "" : raw.slice(queryStart + 1);
  const headers: Record<string, string> = {};
  for (const [name, value] of Object.entries(request.headers)) {
    if (value !== undefined) headers[name] = Array.isArray(value) ? value.join(", ") : value;
  }
  return {
    method: request.method ?? "GET",
    path,
    rawQuery,
    query: new URLSearchParams(rawQuery),
    headers,
    body: await readBody(request, path === "batch" || path === "batch/trigger" ? batchBytesMax : messageBytesMax),
    callerIp: (request.socket.remoteAddress ?? "127.0.0.1").replace(/^::ffff:/, ""),
  };
}

/** Milliseconds of the stack's clock: under a frozen clock this waits until time is moved. */
function pause(clock: StackClock, delayMs: number): Promise<void> {
  return new Promise((resolve) => void clock.schedule(clock.now() + delayMs, resolve));
}

function sendFault(response: ServerResponse, fault: FaultRule): void {
  response.writeHead(fault.status ?? 500, { "Content-Type": "application/json", ...fault.headers });
  response.end(fault.body ?? JSON.stringify({ error: "fault" }));
}

function refuse(response: ServerResponse, error: unknown): void {
  if (error instanceof ApiError) return sendJson(response, error.status, { error: error.message });
  // The client left while its request was read: nobody is there to be told.
  if (response.destroyed || (response.req.destroyed && !response.req.complete)) return void response.destroy();
  console.error("local qstash: a request failed:", error);
  sendJson(response, 500, { error: "internal error" });
}
