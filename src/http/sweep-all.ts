import { sweepTurns } from "../agent/sweep-turns.ts";
import { sweep } from "../engine/sweep.ts";
import { checkAlerts, isAlertMinute } from "../ops/check-alerts.ts";
import type { Wire } from "../wire.ts";

/** Only messages of a real queue are kept. */
const nothingKept = { sent: 0, dropped: 0, isBlocked: false };

/**
 * One round over everything that may be stranded: runs, turns, messages that the queue could not take; now and then what operators are to be told of. 1 round trip when
 * nothing is due.
 */
export async function sweepAll(wire: Wire) {
  const [{ engine, ops, dueTurns, drainOutbox, readDue }, { chat }] = await Promise.all([
    wire.runs(),
    wire.answering(),
  ]);
  const due = await readDue();
  const rounds = [
    sweep(engine, due.runs),
    sweepTurns({ ...chat, dueTurns }, due.turns),
    drainOutbox?.(due.kept) ?? Promise.resolve(nothingKept),
  ] as const;
  await Promise.allSettled(rounds);
  // Also where the queue takes nothing: then there is something to tell.
  const alerts = isAlertMinute(engine.clock.now()) ? await checkAlerts(ops.alerts) : { opened: 0, resolved: 0 };
  const [runs, turns, outbox] = await Promise.all(rounds);
  return { runs, turns, outbox, alerts };
}
