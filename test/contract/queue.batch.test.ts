/**
 * Messages that do not need each other, sent together: one suite for every queue that brings runs and turns on, and what QStash and its faults make of it.
 */
import { afterAll, beforeAll, beforeEach, describe, expect, it } from "vitest";
import { createMeter } from "../../src/core/meter.ts";
import { Secret } from "../../src/core/secret.ts";
import type { Queue, Trigger } from "../../src/engine/queue.ts";
import { fetchQueue } from "../../src/system/fetch-queue.ts";
import { upstashClient } from "../../src/upstash/batch.ts";
import { upstashOutbox } from "../../src/upstash/outbox.ts";
import { qstashClient, type OutgoingMessage, type Qstash } from "../../src/upstash/qstash.ts";
import { enginePaths, upstashQueue, upstashTurnQueue } from "../../src/upstash/queue.ts";
import { startStack, type RunningStack } from "../../stack/start-stack.ts";
import { manualClock, silentLog } from "../fakes/clock.ts";
import { createEngineRig } from "../support/engine-rig.ts";
import { serveFetch, type ServedFetch } from "../support/serve-fetch.ts";

interface Arrival {
  readonly path: string;
  readonly body: { readonly runId?: string; readonly conversationId?: string };
}

let stack: RunningStack;
let app: ServedFetch;
let arrived: Arrival[] = [];
let background: Promise<unknown>[] = [];
let meter = createMeter();
let qstash: Qstash;
beforeAll(async () => {
  stack = await startStack();
  app = await serveFetch(async (request) => {
    arrived.push({ path: new URL(request.url).pathname, body: (await request.json()) as Arrival["body"] });
    return new Response();
  });
});
beforeEach(() => {
  arrived = [];
  background = [];
  meter = createMeter();
  const { qstashUrl: url, qstashToken } = stack;
  qstash = qstashClient({ url, token: new Secret(qstashToken), meter });
  stack.faults.clear();
  stack.ledger.reset();
  stack.traffic.clear();
});
afterAll(async () => {
  await stack.close();
  await app.close();
});

const clock = manualClock();
const runIds = (count: number): string[] => Array.from({ length: count }, (_run, index) => `run_${index}`);
const triggerOf = (runId: string): Trigger => ({ ref: { userId: "usr_1", runId }, definition: "napping@1" });

async function settled(): Promise<void> {
  await Promise.all(background);
  await stack.qstashIdle();
}

/** Requests that QStash was sent, the repeated ones too. */
const requests = (): number => stack.traffic.list({ server: "qstash" }).length;

function ownCalls() {
  return fetchQueue({
    appUrl: app.url,
    paths: { ...enginePaths, deliverTool: (tool) => `/api/tools/${tool}` },
    internalKey: "an-internal-key-of-more-than-32-chars",
    fetch: (url, init) => fetch(url, init),
    pause: clock.pause,
    waitUntil: (work) => void background.push(work),
    clock,
    log: silentLog,
  });
}

const queues: [string, () => { queue: Queue; brought: () => string[] }][] = [
  ["of QStash", () => ({ queue: upstashQueue({ qstash, appUrl: app.url, clock }), brought: arrivedRuns })],
  ["that calls the app itself", () => ({ queue: ownCalls(), brought: arrivedRuns })],
  [
    "in memory",
    () => {
      const rig = createEngineRig([]);
      return { queue: rig.parts().queue, brought: () => rig.queued.map(({ trigger }) => trigger.ref.runId) };
    },
  ],
];

function arrivedRuns(): string[] {
  return arrived.map(({ body }) => body.runId ?? "").toSorted();
}

describe.each(queues)("a queue %s", (_name, open) => {
  it.each([0, 1, 3])("brings %i runs on, each once, and says of each that it was taken", async (count) => {
    const { queue, brought } = open();
    expect(await queue.triggerNextSteps(runIds(count).map(triggerOf))).toEqual(runIds(count).map(() => undefined));
    await settled();
    expect(brought()).toEqual(runIds(count));
  });
});

describe.each([
  ["of QStash", () => upstashTurnQueue({ qstash, appUrl: app.url })],
  ["that calls the app itself", ownCalls],
])("turns in a queue %s", (_name, open) => {
  it("are brought on together, each once", async () => {
    const refs = ["a", "b"].map((conversationId) => ({ userId: "usr_1", conversationId }));
    expect(await open().continueTurns(refs)).toEqual([undefined, undefined]);
    await settled();
    expect(arrived.map(({ path, body }) => `${path} ${body.conversationId}`).toSorted()).toEqual([
      `${enginePaths.continueTurn} a`,
      `${enginePaths.continueTurn} b`,
    ]);
  });
});

const message = (id: string, over: Partial<OutgoingMessage> = {}): OutgoingMessage => ({
  url: `${app.url}/${id}`,
  body: JSON.stringify({ runId: id }),
  headers: { "content-type": "application/json" },
  retries: 0,
  deduplicationId: `${id}-${crypto.randomUUID()}`,
  ...over,
});
/** More than any plan allows. */
const poisoned = (id: string): OutgoingMessage => message(id, { retries: 1_000_000 });

/** What QStash says of a message, but for what tells it from its like. */
async function shapeOf(messageId: string): Promise<Record<string, unknown>> {
  const headers = { authorization: `Bearer ${stack.qstashToken}` };
  const response = await fetch(`${stack.qstashUrl}/v2/messages/${messageId}`, { headers });
  const {
    messageId: _id,
    url: _url,
    body: _body,
    createdAt,
    notBefore,
    ...rest
  } = (await response.json()) as {
    messageId: string;
    url: string;
    body: string;
    createdAt: number;
    notBefore: number;
  };
  return { ...rest, delaySeconds: Math.round((notBefore - createdAt) / 1000) };
}

describe("messages to QStash that go together", () => {
  it("make one request, and are counted as QStash bills them", async () => {
    const outcomes = await qstash.publishAll(runIds(20).map((id) => message(id)));
    await settled();
    expect(outcomes).toEqual(runIds(20).map(() => undefined));
    expect([requests(), meter.subrequests]).toEqual([1, 1]);
    expect(meter.messages).toBe(stack.ledger.read().messages);
    expect(meter.messages).toBe(20);
  });

  it("keep labels, delays and deduplication ids as a message by itself has them", async () => {
    const same = { label: ["usr_1", "x"], delaySeconds: 3_600, deduplicationId: "alike", callback: `${app.url}/back` };
    await qstash.publishAll([message("a", same), message("b", { ...same, deduplicationId: "other" })]);
    await qstash.publish(message("c", { ...same, deduplicationId: "third" }));
    const answers = stack.traffic.list({ server: "qstash" }).map(({ responseBody }) => JSON.parse(responseBody));
    const ids = (answers.flat() as { messageId: string }[]).map(({ messageId }) => messageId);
    const shapes = await Promise.all(ids.map(shapeOf));
    expect(shapes[0]).toMatchObject({ label: "usr_1", labels: ["usr_1", "x"], delaySeconds: 3_600 });
    expect(shapes).toEqual([shapes[0], shapes[0], shapes[0]]);
    // Three messages, each with its callback.
    expect(meter.messages).toBe(6);
  });

  it("of which one is refused are all sent but that one, which says so", async () => {
    const outcomes = await qstash.publishAll([message("a"), poisoned("b"), message("c")]);
    await settled();
    expect(outcomes).toEqual([undefined, expect.objectContaining({ code: "internal" }), undefined]);
    expect(arrivedRuns()).toEqual(["a", "c"]);
    expect(meter.messages).toBe(stack.ledger.read().messages);
  });

  it("that are all refused say so one by one", async () => {
    const outcomes = await qstash.publishAll([poisoned("a"), poisoned("b")]);
    expect(outcomes.map((outcome) => outcome?.code)).toEqual(["internal", "internal"]);
    expect(meter.messages).toBe(0);
  });

  it("are sent one by one where QStash refuses the whole for one of them", async () => {
    stack.faults.add({ server: "qstash", match: "/v2/batch", action: "status", status: 400, body: '{"error":"no"}' });
    const outcomes = await qstash.publishAll([message("a"), poisoned("b"), message("c")]);
    await settled();
    expect(outcomes.map((outcome) => outcome?.code)).toEqual([undefined, "internal", undefined]);
    expect(arrivedRuns()).toEqual(["a", "c"]);
  });

  it.each([
    ["that QStash does not take", { action: "status", status: 503 }, "queue_unavailable"],
    ["with a token that it refuses", { action: "status", status: 401 }, "misconfigured"],
    ["whose answer is cut off", { action: "truncate", truncateBytes: 9 }, "queue_unavailable"],
  ] as const)("%s are none of them sent as far as we know", async (_how, fault, code) => {
    stack.faults.add({ server: "qstash", match: "/v2/batch", ...fault });
    const outcomes = await qstash.publishAll([message("a"), message("b")]);
    expect(outcomes.map((outcome) => outcome?.code)).toEqual([code, code]);
    expect(requests()).toBe(1);
    await settled();
  });

  it("and are repeated after a lost connection count each request", async () => {
    stack.faults.add({ server: "qstash", action: "drop-before", count: 1 });
    expect(await qstash.publishAll([message("a"), message("b")])).toEqual([undefined, undefined]);
    await settled();
    expect([requests(), meter.subrequests]).toEqual([2, 2]);
  });
});

describe("the outbox, over QStash", () => {
  const open = () => {
    const token = new Secret(stack.redisToken);
    const client = upstashClient({ url: stack.redisUrl, token, timeoutMs: 5_000 });
    return upstashOutbox(client, { clock: stack.clock, log: silentLog });
  };
  const named = (id: string, over: Partial<OutgoingMessage> = {}) => {
    const deduplicationId = `${id}-${crypto.randomUUID()}`;
    return { ...message(id, over), deduplicationId };
  };

  it("sends all in one request, and drops the one that is refused", async () => {
    const outbox = open();
    for (const id of ["a", "b", "c"]) await outbox.keep(named(id, id === "b" ? { retries: 1_000_000 } : {}));
    expect(await outbox.drain(qstash)).toEqual({ sent: 2, dropped: 1, isBlocked: false });
    await settled();
    expect(arrivedRuns()).toEqual(["a", "c"]);
    // One for all, one for the refused by itself.
    expect(requests()).toBe(2);
    expect(await outbox.drain(qstash)).toMatchObject({ sent: 0 });
  });

  it.each([
    ["QStash answers 503", { action: "status", status: 503, count: 1 }],
    ["the answers are lost after their effect", { action: "drop-after", count: 2 }],
    ["the answer is cut off", { action: "truncate", truncateBytes: 9, count: 1 }],
    ["the requests are lost", { action: "drop-before", count: 2 }],
    ["the request comes twice", { action: "duplicate", count: 1 }],
  ] as const)("loses and doubles nothing where %s", async (_how, fault) => {
    const outbox = open();
    for (const id of ["a", "b", "c"]) await outbox.keep(named(id));
    stack.faults.add({ server: "qstash", match: "/v2/batch", ...fault });
    await outbox.drain(qstash);
    await outbox.drain(qstash);
    await settled();
    expect(stack.faults.list()).toEqual([]);
    expect(arrivedRuns()).toEqual(["a", "b", "c"]);
    expect(await outbox.drain(qstash)).toEqual({ sent: 0, dropped: 0, isBlocked: false });
  });
});
