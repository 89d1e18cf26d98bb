import { sweepTurns } from "../agent/sweep-turns.ts";
import { sweep, type SweepReport } from "../engine/sweep.ts";
import type { Wire } from "../wire.ts";

/** One round over everything that may be stranded: runs and turns. */
export async function sweepAll(wire: Wire): Promise<{ runs: SweepReport; turns: { seen: number; triggered: number } }> {
  const [{ engine, dueTurns }, { chat }] = await Promise.all([wire.runs(), wire.answering()]);
  const [runs, turns] = await Promise.all([sweep(engine), sweepTurns({ ...chat, dueTurns })]);
  return { runs, turns };
}
