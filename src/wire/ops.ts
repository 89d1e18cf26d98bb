import type { EnginePorts } from "../engine/engine-parts.ts";
import type { RunIndex } from "../engine/journal.ts";
import { retryDeadLetter, type DeadLetterActs } from "../ops/act-on-dead-letter.ts";
import { noDeadMessages, type DeadMessages } from "../ops/dead-messages.ts";
import { listDeadLetters, type DeadLetterParts } from "../ops/list-dead-letters.ts";
import type { RedriveServices } from "../ops/redrive-run.ts";
import { upstashParkedRuns } from "../upstash/parked-runs.ts";
import type { Adapters } from "./adapters.ts";

/** What operating the app needs. */
export interface Ops extends DeadLetterParts, DeadLetterActs {}

export function createOps(adapters: Adapters, engine: EnginePorts, runIndex: RunIndex): Ops {
  const parked = upstashParkedRuns(adapters.redis);
  return { parked, engine, runIndex, journal: engine.journal, messages: lateDeadMessages(adapters) };
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
