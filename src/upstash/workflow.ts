/**
 * Upstash Workflow as the carrier of runs, by its own SDK: each step of the workflow is one segment of the run, its sleeps and events are what the run waits for.
 */
import { Client, WorkflowNonRetryableError, type WorkflowContext } from "@upstash/workflow";
import { serve } from "@upstash/workflow/hono";
import { Receiver } from "@upstash/qstash";
import { AppError } from "../core/errors.ts";
import { isRunId, isUserId } from "../core/ids.ts";
import { limits } from "../core/limits.ts";
import type { Clock } from "../core/ports.ts";
import type { Meter } from "../core/meter.ts";
import type { Secret } from "../core/secret.ts";
import type { RunRef } from "../engine/journal.ts";
import type { Failure } from "../engine/journal-entry.ts";
import type { CarryEnd } from "../workflow/carry-run.ts";
import { wordEvent, type Carrier } from "../workflow/carrier.ts";
import { clientOptions } from "./qstash.ts";

export const workflowPath = "/api/workflows/agent";

export interface UpstashWorkflowOptions {
  readonly url: string;
  readonly token: Secret;
  readonly currentSigningKey: Secret;
  readonly nextSigningKey: Secret;
  /** Without a slash at the end. */
  readonly appUrl: string;
  readonly meter: Meter;
}

/** What the workflow is started with. */
interface Payload {
  readonly userId: string;
  readonly runId: string;
  readonly definition: string;
}

export function upstashCarrier({ url, token, appUrl, meter }: UpstashWorkflowOptions): Carrier {
  const client = new Client(clientOptions({ url, token, meter }));

  async function send<T>(work: () => Promise<T>): Promise<T> {
    meter.subrequests += 1;
    try {
      return await work();
    } catch (cause) {
      throw new AppError("queue_unavailable", "Upstash Workflow did not take the request", { cause });
    }
  }

  return {
    async start({ ref, definition }) {
      meter.messages += 1;
      await send(() =>
        client.trigger({
          url: `${appUrl}${workflowPath}`,
          body: { ...ref, definition } satisfies Payload,
          workflowRunId: ref.runId,
          retries: limits.triggerRetries,
        }),
      );
    },
    async wake(ref, segments) {
      const waiters = await send(() => client.notify({ eventId: wordEvent(ref, segments), eventData: {} }));
      // Each that waits is brought its word by a delivery.
      meter.messages += waiters.length;
      return waiters.length > 0;
    },
  };
}

export interface WorkflowCarrier {
  readonly clock: Clock;
  readonly carry: (ref: RunRef, definition: string) => Promise<CarryEnd>;
  /** False while the run is busy: then it is asked again. */
  readonly giveUp: (ref: RunRef, failure: Failure) => Promise<boolean>;
}

/** Answers the deliveries of Upstash Workflow; those that it has not signed are refused. */
export function serveWorkflow(o: UpstashWorkflowOptions, { clock, carry, giveUp }: WorkflowCarrier) {
  const handler = serve<Payload>(
    async (context) => {
      const { ref, definition } = readPayload(context.requestPayload);
      for (let number = 1; ; number += 1) {
        const end = await context.run(`segment ${number}`, () => carry(ref, definition));
        if (end.kind === "over") return { status: end.status };
        if (end.kind === "unknown") throw new WorkflowNonRetryableError("There is no such run.");
        await waitFor(context, { ref, number, end, nowMs: clock.now() });
      }
    },
    {
      url: `${o.appUrl}${workflowPath}`,
      // What it sends after a segment is in no receipt: that of the run was written by then.
      qstashClient: new Client(clientOptions(o)) as never,
      receiver: new TolerantReceiver({
        currentSigningKey: o.currentSigningKey.reveal(),
        nextSigningKey: o.nextSigningKey.reveal(),
      }),
      disableTelemetry: true,
      async failureFunction({ context, failStatus, failResponse }) {
        const { ref } = readPayload(context.requestPayload);
        const message = `Upstash Workflow gave up with status ${failStatus}: ${failResponse}`.slice(
          0,
          limits.failureCharsMax,
        );
        if (!(await giveUp(ref, { name: "WorkflowFailed", code: "workflow_failed", message }))) {
          throw new Error("the run is busy; ask again");
        }
      },
    },
  );
  // Of Hono's context the adapter reads these two.
  return (request: Request, env: object): Promise<Response> => handler({ req: { raw: request }, env } as never);
}

/** The SDK allows for no difference of clocks: what is refused here was let in by the same check of all deliveries, and would cost a retry. */
class TolerantReceiver extends Receiver {
  override verify(request: Parameters<Receiver["verify"]>[0]): Promise<boolean> {
    return super.verify({ ...request, clockTolerance: limits.clockToleranceSeconds });
  }
}

interface Wait {
  readonly ref: RunRef;
  readonly number: number;
  readonly end: Exclude<CarryEnd, { kind: "over" | "unknown" }>;
  readonly nowMs: number;
}

async function waitFor(context: WorkflowContext<Payload>, { ref, number, end, nowMs }: Wait): Promise<void> {
  switch (end.kind) {
    case "on":
      return;
    case "sleep":
      return context.sleepUntil(`sleep ${number}`, new Date(end.untilMs));
    case "wait": {
      const seconds = Math.max(1, Math.ceil((end.untilMs - nowMs) / 1000));
      await context.waitForEvent(`wait ${number}`, wordEvent(ref, end.segments), { timeout: seconds });
    }
  }
}

function readPayload(payload: Partial<Payload> | undefined): { ref: RunRef; definition: string } {
  const { userId, runId, definition } = payload ?? {};
  if (!isUserId(userId) || !isRunId(runId) || typeof definition !== "string") {
    throw new WorkflowNonRetryableError("This is no run of ours.");
  }
  return { ref: { userId, runId }, definition };
}
