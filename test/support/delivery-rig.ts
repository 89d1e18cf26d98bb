/** Deliveries as QStash makes them, and such as it would never make, to one run of a fresh user. */
import { expect } from "vitest";
import { rawJournal, redisCommand, runClient, type RunClient } from "./run-client.ts";
import { signDelivery, type Claims } from "./sign-delivery.ts";
import type { TestApp } from "./test-app.ts";

export const executeStep = "/api/engine/execute-step";

export interface Sent {
  readonly path?: string;
  readonly body?: string;
  readonly headers?: Record<string, string>;
  readonly key?: string;
  readonly claims?: Claims;
}

export interface DeliveryAnswer {
  readonly status: number;
  readonly headers: Headers;
  readonly json: Record<string, unknown>;
}

export interface DeliveryRig {
  readonly app: TestApp;
  readonly userId: string;
  readonly runId: string;
  readonly runs: RunClient;
  /** The body of a trigger for the run. */
  trigger(more?: object): string;
  /** Without a signature. */
  post(sent: Sent): Promise<DeliveryAnswer>;
  /** Signed with the current key unless it says otherwise. */
  deliver(sent?: Sent): Promise<DeliveryAnswer>;
  journal(): Promise<string[]>;
  push(entry: string): Promise<void>;
  /** The run has what it waits for, and no trigger was sent. */
  signal(): Promise<void>;
}

/** Nothing is read or written, and the journal is the same byte for byte. */
export async function expectRefused(
  { app, journal }: DeliveryRig,
  sending: () => Promise<DeliveryAnswer>,
  status = 401,
): Promise<DeliveryAnswer> {
  const before = await journal();
  app.stack.ledger.reset();
  const refused = await sending();
  expect(refused.status).toBe(status);
  expect(app.stack.ledger.read().commands).toBe(0);
  expect(await journal()).toEqual(before);
  return refused;
}

/** The run is one of `wait-for-go`, which waits. */
export async function createDeliveryRig(app: TestApp): Promise<DeliveryRig> {
  const { userId, ...runs } = runClient(await app.signIn());
  const runId = await runs.start("wait-for-go");
  await app.settled();
  const trigger = (more: object = {}): string =>
    JSON.stringify({ userId, runId, definition: "wait-for-go@1", ...more });
  const journal = () => rawJournal(app.stack, { userId, runId });

  async function post({ path = executeStep, body = trigger(), headers = {} }: Sent): Promise<DeliveryAnswer> {
    const init = { method: "POST", body, headers: { "content-type": "application/json", ...headers } };
    const response = await app.fetch(path, init);
    const json = JSON.parse(await response.text()) as Record<string, unknown>;
    return { status: response.status, headers: response.headers, json };
  }

  async function push(entry: string): Promise<void> {
    await redisCommand(app.stack, ["RPUSH", `runs:{${userId}}:${runId}:journal`, entry]);
  }

  return {
    app,
    userId,
    runId,
    runs: { userId, ...runs },
    trigger,
    post,
    journal,
    push,
    deliver(sent = {}) {
      const { path = executeStep, body = trigger(), key = app.stack.currentSigningKey, claims } = sent;
      const signature = signDelivery({ url: `${app.url}${path}`, body, key }, claims);
      return post({ ...sent, headers: { "upstash-signature": signature, ...sent.headers } });
    },
    signal: () => push(`- 0 ${Date.now()} signal {"id":"s","name":"go"}`),
  };
}
