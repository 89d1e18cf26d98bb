import { sweepTurns } from "../agent/sweep-turns.ts";
import { sweep } from "../engine/sweep.ts";
import { checkAlerts, isAlertMinute } from "../ops/check-alerts.ts";
import type { Wire } from "../wire.ts";

/** One round over everything that may be stranded: runs, turns, messages that the queue could not take; now and then what operators are to be told of. */
export async function sweepAll(wire: Wire) {
  const [{ engine, ops, dueTurns, drainOutbox }, { chat }] = await Promise.all([wire.runs(), wire.answering()]);
  const rounds = [sweep(engine), sweepTurns({ ...chat, dueTurns }), drainOutbox()] as const;
  await Promise.allSettled(rounds);
  // Also where the queue takes nothing: then there is something to tell.
  const alerts = isAlertMinute(engine.clock.now()) ? await checkAlerts(ops.alerts) : { opened: 0, resolved: 0 };
  const [runs, turns, outbox] = await Promise.all(rounds);
  return { runs, turns, outbox, alerts };
}
