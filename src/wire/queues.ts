import type { TurnQueue } from "../agent/chat.ts";
import type { Config, QstashConfig } from "../config.ts";
import type { Meter } from "../core/meter.ts";
import { limits } from "../core/limits.ts";
import type { AlertNotice } from "../ops/check-alerts.ts";
import type { CallPort } from "../engine/engine-parts.ts";
import type { Queue } from "../engine/queue.ts";
import { fetchQueue, noCalls } from "../system/fetch-queue.ts";
import type { ToolQueue } from "../tool/tool-queue.ts";
import type { Outbox, OutboxReport } from "../upstash/outbox.ts";
import type { Publisher, Qstash } from "../upstash/qstash.ts";
import { enginePaths, upstashCalls, upstashQueue, upstashTurnQueue } from "../upstash/queue.ts";
import { toolPaths, upstashToolQueue } from "../upstash/tool-queue.ts";
import { withOutbox } from "../upstash/with-outbox.ts";
import type { UpstashWorkflowOptions } from "../upstash/workflow.ts";
import { carriedQueue, type Carrier } from "../workflow/carrier.ts";
import type { Adapters } from "./adapters.ts";
import { internalKeyOf } from "./internal-key.ts";

export interface Queues {
  readonly runs: Queue;
  readonly turns: TurnQueue;
  readonly calls: CallPort;
  /** Absent where the queue is not Upstash's. */
  readonly carrier: Carrier | undefined;
  readonly tools: ToolQueue;
  /** Tells operators' webhook of an incident; absent where there is none, or no queue that could. */
  readonly notify: ((notice: AlertNotice) => Promise<void>) | undefined;
  /** Sends what the queue could not take before: messages of these ids. Absent where nothing is kept. */
  readonly drainOutbox: ((ids: readonly string[]) => Promise<OutboxReport>) | undefined;
}

export function createQueues(adapters: Adapters): Queues {
  const { config, meter, clock } = adapters;
  const { appUrl } = config;
  if (config.queue === "qstash" && config.qstash !== undefined) {
    const qstash = lateQstash(config.qstash, meter);
    const carrier = lateCarrier({ ...config.qstash, appUrl, meter });
    const outbox = lateOutbox(adapters);
    const patient = withOutbox(qstash, outbox, adapters.log);
    return {
      carrier,
      runs: carriedQueue(upstashQueue({ qstash, appUrl, clock }), carrier),
      turns: upstashTurnQueue({ qstash, appUrl }),
      calls: upstashCalls({ qstash: patient, appUrl }),
      tools: upstashToolQueue({ qstash: patient, appUrl }),
      notify: config.alerts.webhookUrl === undefined ? undefined : notifier(patient, config),
      drainOutbox: (ids) => outbox.drain(qstash, ids),
    };
  }
  const internalKey = internalKeyOf(config).reveal();
  const paths = { ...enginePaths, deliverTool: toolPaths.deliver };
  const queue = fetchQueue({ ...adapters, appUrl, paths, internalKey });
  return {
    runs: queue,
    turns: queue,
    calls: noCalls,
    tools: queue,
    carrier: undefined,
    notify: undefined,
    drainOutbox: undefined,
  };
}

/** By the queue, which tries again; each notice once. What must not be reached is not. @throws EgressRefused */
function notifier(qstash: Publisher, { alerts, egress }: Config): NonNullable<Queues["notify"]> {
  return async ({ id, body }) => {
    const { admitUrl } = await import("../tool/egress.ts");
    await qstash.publish({
      url: admitUrl(alerts.webhookUrl ?? "", egress.allowedHosts).href,
      body: JSON.stringify(body),
      headers: { "content-type": "application/json" },
      retries: limits.triggerRetries,
      deduplicationId: id,
      label: "skipstone-alert",
    });
  };
}

/** Most requests send no message: the client is loaded by the first one that does. */
function lateQstash(options: QstashConfig, meter: Meter): Qstash {
  const load = async (): Promise<Qstash> => (await import("../upstash/qstash.ts")).qstashClient({ ...options, meter });
  return {
    publish: async (message) => (await load()).publish(message),
    publishAll: async (messages) => (await load()).publishAll(messages),
  };
}

function lateOutbox(adapters: Adapters): Outbox {
  const load = async (): Promise<Outbox> =>
    (await import("../upstash/outbox.ts")).upstashOutbox(adapters.redis, adapters);
  return {
    keep: async (message) => (await load()).keep(message),
    drain: async (...call) => (await load()).drain(...call),
  };
}

function lateCarrier(options: UpstashWorkflowOptions): Carrier {
  const load = async (): Promise<Carrier> => (await import("../upstash/workflow.ts")).upstashCarrier(options);
  return {
    start: async (run) => (await load()).start(run),
    wake: async (ref, segments) => (await load()).wake(ref, segments),
  };
}
