import { sweepAll } from "./http/sweep-all.ts";
import { logOf } from "./log-of.ts";
import type { Wire } from "./wire.ts";
import type { Invocation } from "./wire/adapters.ts";

/** The cron trigger: one round of the sweep. What fails is logged; the next minute tries again. */
export function createSweep(wire: (invocation: Invocation) => Wire, logs = logOf) {
  return async (_event: unknown, env: Env, execution: Pick<Invocation, "waitUntil">): Promise<void> => {
    const log = logs(env).with({ trigger: "cron" });
    try {
      const report = await sweepAll(wire({ env, log, waitUntil: (work) => execution.waitUntil(work) }));
      const { runs, turns, outbox } = report;
      if (runs.seen + turns.seen + outbox.sent + outbox.dropped > 0) log.info("sweep", report);
    } catch (error) {
      log.error("the sweep failed", { error });
    }
  };
}
