/**
 * A queue without a queue: the app calls itself. For development without QStash, and for those who ask for it by name.
 *
 * Nothing repeats a call that is lost, and nothing waits longer than an invocation lives: for both there is the sweep. So a run still goes on after a crash, only later.
 * For calls of tools there is no sweep: one attempt, soon or not at all. Nobody bills such a call: it is a subrequest and no message.
 */
import type { TurnQueue } from "../agent/chat.ts";
import { AppError } from "../core/errors.ts";
import type { Clock, Log } from "../core/ports.ts";
import type { CallPort } from "../engine/engine-parts.ts";
import { NonRetryableError } from "../engine/failures.ts";
import type { ToolQueue } from "../tool/tool-queue.ts";
import type { Queue, Trigger } from "../engine/queue.ts";

export interface FetchQueueOptions {
  /** Without a slash at the end. */
  readonly appUrl: string;
  readonly paths: { readonly executeStep: string; readonly continueTurn: string; deliverTool(tool: string): string };
  /** Proves that the call is ours. */
  readonly internalKey: string;
  readonly fetch: (url: string, init: RequestInit) => Promise<Response>;
  readonly pause: (ms: number, signal: AbortSignal) => Promise<void>;
  readonly waitUntil: (work: Promise<unknown>) => void;
  readonly clock: Clock;
  readonly log: Log;
}

/** An invocation lives for 30 s after its answer; a call takes some of them. */
const waitMsMax = 20_000;

export function fetchQueue(options: FetchQueueOptions): Queue & TurnQueue & ToolQueue {
  const { clock, paths } = options;

  async function call(path: string, body: unknown, delayMs: number): Promise<void> {
    if (delayMs > 0) await options.pause(delayMs, AbortSignal.timeout(waitMsMax * 2));
    const response = await options.fetch(`${options.appUrl}${path}`, {
      method: "POST",
      headers: { "content-type": "application/json", "x-internal-key": options.internalKey },
      body: JSON.stringify(body),
    });
    await response.body?.cancel();
    if (!response.ok) throw new AppError("queue_unavailable", `the app answered its own call with ${response.status}`);
  }

  async function send(path: string, body: unknown, delayMs: number): Promise<void> {
    // A longer wait is the sweep's.
    if (delayMs > waitMsMax) return;
    const lost = (cause: unknown): void =>
      options.log.warn("a call to ourselves is lost; the sweep goes on", { cause });
    options.waitUntil(call(path, body, Math.max(0, delayMs)).catch(lost));
  }

  function trigger({ ref, definition, after }: Trigger, delayMs: number): Promise<void> {
    return send(paths.executeStep, { ...ref, definition, after }, delayMs);
  }

  /** Each is a call of its own, which fails by itself, later. */
  const all = async (calls: readonly Promise<void>[]): Promise<undefined[]> =>
    (await Promise.all(calls)).map(() => undefined);

  return {
    isBilled: false,
    triggerNextStep: (order) => trigger(order, 0),
    triggerNextSteps: (orders) => all(orders.map((order) => trigger(order, 0))),
    scheduleStep: trigger,
    scheduleStepAt: (order, atMs) => trigger(order, atMs - clock.now()),
    continueTurn: (ref) => send(paths.continueTurn, ref, 0),
    continueTurns: (refs) => all(refs.map((ref) => send(paths.continueTurn, ref, 0))),
    async enqueue(order) {
      const delayMs = order.notBeforeMs - clock.now();
      // No sweep looks for calls of tools: what cannot be waited for here would be lost.
      if (delayMs > waitMsMax) throw new AppError("unsupported", "without QStash nobody can wait that long");
      await send(paths.deliverTool(order.tool), order, delayMs);
      return { messageId: `local_${order.executionId}` };
    },
  };
}

/** Only a real queue can wait for a slow answer without a Worker. */
export const noCalls: CallPort = {
  send: () => Promise.reject(new NonRetryableError("ctx.call needs QStash: without it nobody can make the request")),
};
