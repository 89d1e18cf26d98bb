/** A caller's runs over HTTP, and what Redis holds of them. */
import { expect } from "vitest";
import type { RunReceipt, RunView } from "../../src/engine/run-view.ts";
import type { RunningStack } from "../../stack/start-stack.ts";
import { sseEvents } from "./sse.ts";
import type { TestCaller } from "./test-app.ts";

export interface RunClient {
  readonly userId: string;
  /** Starts a run and returns its id. */
  start(name: string, input?: unknown, headers?: Record<string, string>): Promise<string>;
  view(runId: string): Promise<RunView>;
  /** The first page. */
  list(): Promise<{ readonly runs: readonly RunView[] }>;
  receipt(runId: string): Promise<RunReceipt>;
  /** POST below the run; the status of the answer. */
  act(runId: string, what: string, body?: unknown): Promise<number>;
  /** All events until the run is over. */
  events(runId: string, after?: string): Promise<ReadEvent[]>;
}

export interface ReadEvent {
  readonly id: string;
  readonly type: string;
  readonly data: Readonly<Record<string, unknown>>;
}

export function runClient(caller: TestCaller): RunClient {
  return {
    userId: caller.userId,
    async start(name, input = {}, headers = {}) {
      const response = await caller.post("/api/execute", { name, input }, { headers });
      const body = (await response.json()) as { runId: string };
      expect(response.status, JSON.stringify(body)).toBeLessThan(300);
      return body.runId;
    },
    async view(runId) {
      const response = await caller.fetch(`/api/runs/${runId}`);
      expect(response.status).toBe(200);
      return (await response.json()) as RunView;
    },
    list: async () => (await (await caller.fetch("/api/runs")).json()) as { runs: RunView[] },
    async receipt(runId) {
      return (await (await caller.fetch(`/api/runs/${runId}/receipt`)).json()) as RunReceipt;
    },
    async act(runId, what, body = {}) {
      const response = await caller.post(`/api/runs/${runId}/${what}`, body);
      await response.text();
      return response.status;
    },
    async events(runId, after) {
      const headers = after === undefined ? {} : { "last-event-id": after };
      return readEvents(await caller.fetch(`/api/runs/${runId}/events`, { headers }));
    },
  };
}

/** @param count ends the reading early. */
export async function readEvents(response: Response, count = Number.POSITIVE_INFINITY): Promise<ReadEvent[]> {
  const events: ReadEvent[] = [];
  for await (const { id = "", event = "", data } of sseEvents(response)) {
    events.push({ id, type: event, data: JSON.parse(data) as Record<string, unknown> });
    if (events.length >= count) break;
  }
  return events;
}

/** One Redis command, as an operator would send it. */
export async function redisCommand(stack: RunningStack, command: readonly (string | number)[]): Promise<unknown> {
  const response = await fetch(stack.redisUrl, {
    method: "POST",
    headers: { authorization: `Bearer ${stack.redisToken}` },
    body: JSON.stringify(command),
  });
  return ((await response.json()) as { result: unknown }).result;
}

/** The journal as Redis holds it, byte for byte. */
export async function rawJournal(
  stack: RunningStack,
  ref: { readonly userId: string; readonly runId: string },
): Promise<string[]> {
  return (await redisCommand(stack, ["LRANGE", `runs:{${ref.userId}}:${ref.runId}:journal`, 0, -1])) as string[];
}
