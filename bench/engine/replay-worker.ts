/** `/<steps>`: opens a run of so many recorded steps once, and goes through its code to the end, as each segment does before its first new step. */
import { formatEntry, type JournalRecord } from "../../src/engine/journal-entry.ts";
import { replayRun } from "../../src/engine/run-file.ts";
import type { RunServices } from "../../src/wire/runs.ts";
import { countingRuns } from "./counting-runs.ts";

const journals = new Map<number, string>();

export default {
  async fetch(request: Request): Promise<Response> {
    const path = new URL(request.url).pathname.slice(1);
    if (path === "ready") return new Response("ready");
    const steps = Number(path);
    const reply = journals.get(steps) ?? JSON.stringify({ result: journalOf(steps) });
    journals.set(steps, reply);
    const { result } = JSON.parse(reply) as { result: string[] };
    const services = {} as RunServices;
    const outcome = await replayRun(countingRuns, { runId: "run_1", userId: "usr_1", journal: result, services });
    return Response.json({ outcome, replyBytes: reply.length });
  },
};

function journalOf(steps: number): string[] {
  const records: JournalRecord[] = [
    { type: "started", definition: "count-quietly", version: 1, input: { steps: steps + 1 } },
    { type: "opened", leaseMs: 30_000 },
  ];
  for (let number = 1; number <= steps; number += 1) {
    records.push({ type: "done", step: number === 1 ? "add" : `add#${number}`, value: number });
  }
  return records.map((record, index) => {
    const isStart = index === 0;
    const at = 1_800_000_000_000 + index;
    return formatEntry({ writer: isStart ? "-" : "5f0c9a3b7d21", seq: isStart ? 0 : index - 1, at, record });
  });
}
