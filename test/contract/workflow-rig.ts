/** A local Workflow, the official client, and an app that serves workflows through the official Hono adapter. */
import { Client } from "@upstash/workflow";
import { serveMany } from "@upstash/workflow/hono";
import { Hono } from "hono";
import { expect } from "vitest";
import type { createQstashFront } from "../../stack/qstash/qstash-front.ts";
import { LOCAL_CREDENTIALS } from "../../stack/credentials.ts";
import { at, firstKeys, startDestination, startQstash, type Delivery, type QstashRig } from "./qstash-rig.ts";

export type Workflows = Parameters<typeof serveMany>[0];
export type RunLog = Awaited<ReturnType<Client["logs"]>>["runs"][number];
/** What the client takes for one run, without its URL. */
export type TriggerOptions = Omit<Parameters<Client["trigger"]>[0][number], "url">;

export interface WorkflowRig {
  /** The API without the SDK, the clock, the faults and the ledger. */
  qstash: QstashRig;
  client: Client;
  urlOf(name: string): string;
  /** Triggers the workflow and waits until nothing is under way. */
  run(name: string, options?: TriggerOptions): Promise<string>;
  /** What was delivered to the workflow, the calls that tell of failures included. */
  deliveriesTo(name: string): Delivery[];
  /** Moves time, and waits until nothing is under way. */
  advance(ms: number): Promise<void>;
  log(runId: string): Promise<RunLog>;
  /** Another server over the same storage, which the app talks to from then on. Time moves there alone. */
  reopen(): Promise<WorkflowRig>;
}

export interface RigOptions {
  front?: Partial<Parameters<typeof createQstashFront>[0]>;
  serve?: Parameters<typeof serveMany>[1];
  /** Keys that the endpoints verify deliveries with; they verify nothing when both are empty. */
  keys?: { current: string; next: string };
}

/** Time stands still. Everything is closed when the test is over. */
export async function startWorkflow(workflows: Workflows, o: RigOptions = {}): Promise<WorkflowRig> {
  const token = LOCAL_CREDENTIALS.qstashToken;
  const destination = await startDestination();
  const origin = `http://127.0.0.1:${destination.port}`;
  const keys = o.keys ?? firstKeys;
  const env = {
    QSTASH_URL: "",
    QSTASH_TOKEN: token,
    QSTASH_CURRENT_SIGNING_KEY: keys.current,
    QSTASH_NEXT_SIGNING_KEY: keys.next,
  };
  const app = new Hono<{ Bindings: typeof env }>();
  app.post("/workflows/*", serveMany(named(workflows), o.serve));
  destination.answer(async (delivery) => answerOf(await app.fetch(requestOf(delivery, origin), env)));
  const urlOf = (name: string) => `${origin}/workflows/${name}`;

  async function open(): Promise<WorkflowRig> {
    const qstash = await startQstash("frozen", undefined, { token, ...o.front });
    env.QSTASH_URL = qstash.url;
    const client = new Client({ baseUrl: qstash.url, token, enableTelemetry: false, devMode: false });
    return {
      qstash,
      client,
      urlOf,
      async run(name, options = {}) {
        const { workflowRunId } = await client.trigger({ url: urlOf(name), ...options });
        await qstash.idle();
        return workflowRunId;
      },
      deliveriesTo: (name) => destination.deliveries.filter(({ path }) => path === `/workflows/${name}`),
      async advance(ms) {
        await qstash.clock.advance(ms);
        await qstash.idle();
      },
      async log(workflowRunId) {
        const { runs } = await client.logs({ workflowRunId });
        return at(runs, 0);
      },
      reopen: open,
    };
  }
  return open();
}

/** Copies, because `serveMany` changes the options of what it serves. A workflow is invoked by the name that it has here. */
function named(workflows: Workflows): Workflows {
  return Object.fromEntries(
    Object.entries(workflows).map(([name, workflow]) => [name, { ...Object.assign(workflow, { workflowId: name }) }]),
  );
}

/** Expects that the run is over and has returned `response`. */
export async function expectResult(rig: WorkflowRig, runId: string, response: unknown): Promise<void> {
  const { workflowState, workflowRunResponse } = await rig.log(runId);
  expect({ workflowState, response: workflowRunResponse && JSON.parse(workflowRunResponse) }).toEqual({
    workflowState: "RUN_SUCCESS",
    response,
  });
}

function requestOf({ method, path, headers, body }: Delivery, origin: string): Request {
  const pairs = Object.entries(headers).map(([name, value]): [string, string] => [name, String(value)]);
  return new Request(`${origin}${path}`, { method, headers: pairs, body });
}

async function answerOf(response: Response) {
  return {
    status: response.status,
    headers: Object.fromEntries(response.headers),
    body: await response.text(),
  };
}
