import { sweep } from "./engine/sweep.ts";
import { logOf } from "./log-of.ts";
import type { Invocation, Wire } from "./wire.ts";

/** The cron trigger: one round of the sweep. What fails is logged; the next minute tries again. */
export function createSweep(wire: (invocation: Invocation) => Wire) {
  return async (_event: ScheduledController, env: Env, execution: ExecutionContext): Promise<void> => {
    const log = logOf(env).with({ trigger: "cron" });
    try {
      const { engine } = wire({ env, log, waitUntil: (work) => execution.waitUntil(work) });
      const report = await sweep(engine);
      if (report.seen > 0) log.info("sweep", { ...report });
    } catch (error) {
      log.error("the sweep failed", { error });
    }
  };
}
