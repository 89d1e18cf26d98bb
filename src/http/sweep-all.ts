import { sweepTurns } from "../agent/sweep-turns.ts";
import { sweep } from "../engine/sweep.ts";
import { checkAlerts, isAlertMinute } from "../ops/check-alerts.ts";
import type { Wire } from "../wire.ts";

/** One round over everything that may be stranded: runs, turns, messages that the queue could not take; now and then what operators are to be told of. */
export async function sweepAll(wire: Wire) {
  const [{ engine, ops, dueTurns, drainOutbox }, { chat }] = await Promise.all([wire.runs(), wire.answering()]);
  const [runs, turns, outbox] = await Promise.all([sweep(engine), sweepTurns({ ...chat, dueTurns }), drainOutbox()]);
  const alerts = isAlertMinute(engine.clock.now()) ? await checkAlerts(ops.alerts) : { opened: 0, resolved: 0 };
  return { runs, turns, outbox, alerts };
}
