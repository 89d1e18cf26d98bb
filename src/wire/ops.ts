import type { EnginePorts } from "../engine/engine-parts.ts";
import type { RunIndex } from "../engine/journal.ts";
import type { AlertParts } from "../ops/check-alerts.ts";
import type { Log } from "../core/ports.ts";
import { retryDeadLetter, type DeadLetterActs } from "../ops/act-on-dead-letter.ts";
import { noDeadMessages, type DeadMessages } from "../ops/dead-messages.ts";
import { listDeadLetters, type DeadLetterParts } from "../ops/list-dead-letters.ts";
import type { RedriveServices } from "../ops/redrive-run.ts";
import { upstashParkedRuns } from "../upstash/parked-runs.ts";
import { readGauges, readingsOf, readLook, upstashIncidents, type Gauges } from "../upstash/ops-store.ts";
import type { Adapters } from "./adapters.ts";
import type { Queues } from "./queues.ts";

/** What operating the app needs. */
export interface Ops extends DeadLetterParts, DeadLetterActs {
  /** For `/metrics`: what stands in Redis. */
  readonly gauges: () => Promise<Readonly<Record<string, { readonly help: string; readonly value: number }>>>;
  readonly alerts: AlertParts;
}

export function createOps(
  adapters: Adapters,
  { engine, runIndex, queues }: { engine: EnginePorts; runIndex: RunIndex; queues: Pick<Queues, "notify"> },
): Ops {
  const { redis, clock } = adapters;
  const messages = lateDeadMessages(adapters);
  return {
    parked: upstashParkedRuns(redis),
    engine,
    runIndex,
    journal: engine.journal,
    messages,
    gauges: async () => describeGauges(await readGauges(redis, clock.now())),
    alerts: createAlerts(adapters, messages, queues),
  };
}

function createAlerts(adapters: Adapters, messages: DeadMessages, { notify }: Pick<Queues, "notify">): AlertParts {
  const { config, redis, clock, log } = adapters;
  const { webhookUrl, thresholds } = config.alerts;
  const incidents = upstashIncidents(redis);
  return {
    thresholds,
    clock,
    log,
    keep: incidents.keep,
    forget: incidents.forget,
    tell: webhookUrl === undefined ? undefined : notify,
    async read() {
      const [{ gauges, open }, deadLetters] = await Promise.all([
        readLook(redis, { nowMs: clock.now(), log }),
        countDeadLetters(messages, log),
      ]);
      return { readings: readingsOf(gauges, deadLetters), open };
    },
  };
}

/** As many as one page holds: whether there are any is what counts. `undefined` while the queue does not answer. */
async function countDeadLetters(messages: DeadMessages, log: Log): Promise<number | undefined> {
  try {
    return (await messages.page("all", { cursor: undefined, count: 100 })).letters.length;
  } catch (cause) {
    log.warn("the queue does not say what it has given up", { cause });
    return undefined;
  }
}

const gaugeWords: Readonly<Record<keyof Gauges, readonly [name: string, help: string]>> = {
  dueRuns: ["runs_active", "Runs that are neither over nor parked."],
  overdueRuns: ["runs_overdue", "Runs at which the sweep is to look now."],
  parkedRuns: ["runs_parked", "Runs that wait for a person."],
  dueTurns: ["turns_active", "Conversations in which a turn may be running."],
  outboxMessages: ["outbox_messages", "Messages that wait for the queue to be back."],
  failures: ["failures_10m", "Requests that failed in this minute and the ten before it, over all isolates."],
  refusals: ["rate_limited_today", "Requests that the rate limiters refused today, over all isolates."],
  spendUsd: ["spend_today_usd", "What models cost today by MODEL_PRICES, over all isolates."],
};

function describeGauges(gauges: Gauges): Record<string, { readonly help: string; readonly value: number }> {
  const names = Object.keys(gaugeWords) as (keyof Gauges)[];
  return Object.fromEntries(names.map((key) => [gaugeWords[key][0], { help: gaugeWords[key][1], value: gauges[key] }]));
}

/** What runs that redrive dead letters are given. */
export function createRedrive(ops: () => Ops): RedriveServices["deadLetters"] {
  return {
    list: (whose, cursor) => listDeadLetters(ops(), whose, cursor),
    retry: (whose, { id, userId }) => retryDeadLetter(ops(), { whose, id, userId }),
  };
}

function lateDeadMessages({ config, meter }: Adapters): DeadMessages {
  const { qstash, appUrl } = config;
  if (qstash === undefined || config.queue !== "qstash") return noDeadMessages;
  const load = async (): Promise<DeadMessages> =>
    (await import("../upstash/dead-messages.ts")).qstashDeadMessages({ ...qstash, meter, appUrl });
  return {
    page: async (whose, o) => (await load()).page(whose, o),
    retry: async (whose, id) => (await load()).retry(whose, id),
    remove: async (whose, id) => (await load()).remove(whose, id),
  };
}
