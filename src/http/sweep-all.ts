import { sweepTurns } from "../agent/sweep-turns.ts";
import { sweep } from "../engine/sweep.ts";
import type { Wire } from "../wire.ts";

/** One round over everything that may be stranded: runs, turns, and messages that the queue could not take. */
export async function sweepAll(wire: Wire) {
  const [{ engine, dueTurns, drainOutbox }, { chat }] = await Promise.all([wire.runs(), wire.answering()]);
  const [runs, turns, outbox] = await Promise.all([sweep(engine), sweepTurns({ ...chat, dueTurns }), drainOutbox()]);
  return { runs, turns, outbox };
}
