/** What must hold of every run of an agent when the world has come to rest. */
import type { AgentRunOutput } from "../../src/agent/run/agent-output.ts";
import { approvalSignal } from "../../src/agent/run/approval-id.ts";
import { createRunFrames } from "../../src/agent/run/run-frames.ts";
import { runEvents } from "../../src/engine/follow-run.ts";
import { parseEntry } from "../../src/engine/journal-entry.ts";
import type { RunEvent } from "../../src/engine/run-event.ts";
import type { PlannedAgentRun } from "./agent-case.ts";
import type { AgentWorld } from "./agent-world.ts";
import { checkAlways } from "./invariants.ts";
import type { RunRecord } from "./record.ts";
import type { Effect } from "./things.ts";

export interface AgentEvidence {
  readonly planned: PlannedAgentRun;
  readonly effects: readonly Effect[];
  readonly uses: AgentWorld["uses"];
  /** Nothing went wrong in this world. */
  readonly isCalm: boolean;
}

export function checkAgentRun(record: RunRecord, evidence: AgentEvidence): string[] {
  return [
    ...checkAlways(record, evidence.effects),
    ...checkKeys(record, evidence),
    ...checkResults(record, evidence),
    ...checkApprovals(record, evidence),
    ...checkEvents(record),
    ...checkFrames(record),
    ...checkAgentEnd(record, evidence),
  ];
}

/** G1: all that a tool does for a step has one key and one input, so that the service behind it can know it again; in calm weather it acts once. */
function checkKeys({ ref }: RunRecord, { uses, effects, isCalm }: AgentEvidence): string[] {
  const own = [...uses].filter(([stepKey]) => stepKey.startsWith(`${ref.runId}/`));
  const torn = own.filter(([, { keys, inputs }]) => keys.size > 1 || inputs.size > 1);
  const violations = torn.map(([stepKey, { keys, inputs }]) => {
    return `G1: ${stepKey} has the keys ${[...keys].join(", ")} and the inputs ${[...inputs].join(", ")}`;
  });
  const byKey = new Set(own.flatMap(([, { keys }]) => [...keys]));
  if (byKey.size < own.length) violations.push(`G1: two steps of ${ref.runId} share a key`);
  for (const [stepKey] of isCalm ? own : []) {
    const count = effects.filter(({ key }) => key === stepKey).length;
    if (count > 1) violations.push(`G1: ${stepKey} acted ${count} times in calm weather`);
  }
  return violations;
}

/** G2: what a step is said to have answered is what its own effect answered, and what it was handed is what that step answered. */
function checkResults({ ref, state }: RunRecord, { planned, effects, uses }: AgentEvidence): string[] {
  const receiptOf = (id: string): number | undefined =>
    effects.find(({ key }) => key === `${ref.runId}/do ${id}`)?.number;
  const violations: string[] = [];
  for (const { step, outcome } of state.settled) {
    if (!step.startsWith("do ") || outcome.kind !== "done") continue;
    const { kind, output } = outcome.value as { kind: string; output?: { receipt: number } };
    if (kind === "ok" && output?.receipt !== receiptOf(step.slice(3))) {
      violations.push(`G2: ${ref.runId} ${step} is said to have answered ${JSON.stringify(output)}`);
    }
  }
  for (const { id, from } of planned.plans.flat()) {
    const inputs = [...(uses.get(`${ref.runId}/do ${id}`)?.inputs ?? [])];
    if (from === undefined || inputs.every((input) => input === JSON.stringify(receiptOf(from)))) continue;
    violations.push(`G2: ${ref.runId} ${id} was handed ${inputs.join(", ")} instead of what ${from} answered`);
  }
  return violations;
}

function payloads(record: RunRecord, name: string): { stepId: string; tool?: string; approved?: boolean }[] {
  const named = runEvents(record.entries).filter(({ type }) => type === name);
  return named.map(({ data }) => data["payload"] as { stepId: string });
}

/** G3: what needs a person's word is done only where the word was yes, and everybody is asked once. */
function checkApprovals(record: RunRecord, { effects }: AgentEvidence): string[] {
  const { ref } = record;
  const answered = payloads(record, "approval-answered");
  const asked = payloads(record, "approval-requested").map(({ stepId }) => stepId);
  const violations = new Set(asked).size < asked.length ? [`G3: ${ref.runId} asks twice: ${asked.join(", ")}`] : [];
  if (new Set(answered.map(({ stepId }) => stepId)).size < answered.length) {
    violations.push(`G3: ${ref.runId} takes two answers for one question`);
  }
  for (const { key, label } of effects) {
    if (!label.startsWith("pay ") || !key.startsWith(`${ref.runId}/`)) continue;
    const id = key.slice(`${ref.runId}/do `.length);
    if (firstWord(record, id)?.approved !== true) violations.push(`G3: ${key} was done, and nobody had agreed`);
  }
  return violations;
}

/** Of a person about a step, by the journal: the first one counts. */
function firstWord({ entries }: RunRecord, id: string): { readonly approved?: boolean } | undefined {
  for (const text of entries) {
    const record = parseEntry(text)?.record;
    if (record?.type === "signal" && record.name === approvalSignal(id))
      return record.payload as { approved?: boolean };
  }
  return undefined;
}

/** V5: what a reader is told comes in an order that can be understood. */
function checkEvents(record: RunRecord): string[] {
  const { ref } = record;
  const wrong = (event: RunEvent, why: string): string => `V5: ${ref.runId} ${event.place}:${event.type} ${why}`;
  const violations: string[] = [];
  const told = new Set<string>();
  let phase = "";
  const follows: Record<string, readonly string[]> = {
    planning: [""],
    execution: ["planning", "replanning"],
    replanning: ["execution"],
    reflection: ["execution"],
  };
  for (const event of runEvents(record.entries)) {
    const payload = (event.data["payload"] ?? {}) as { phase?: string; stepId?: string };
    if (event.type === "phase-started") {
      if (!(follows[payload.phase!] ?? []).includes(phase)) violations.push(wrong(event, `follows ${phase}`));
      phase = payload.phase!;
    }
    if (event.type === "tool-called" || event.type === "tool-refused" || event.type === "approval-requested") {
      if (told.has(payload.stepId!)) violations.push(wrong(event, `tells of ${payload.stepId} again`));
      told.add(payload.stepId!);
    }
    const ended = /^step-(?:completed|failed|retrying)$/.test(event.type) ? String(event.data["step"]) : "";
    if (ended.startsWith("do ") && !told.has(ended.slice(3))) violations.push(wrong(event, `tells of ${ended} first`));
  }
  return violations;
}

/** V6: as a chat sees it, each call is there before its outcome, and has one at most. */
function checkFrames({ ref, entries }: RunRecord): string[] {
  const frames = createRunFrames(ref.runId);
  const open = new Set<string>();
  const violations: string[] = [];
  for (const event of runEvents(entries)) {
    if (frames.isOver()) break;
    for (const [, json = ""] of frames.event(event).matchAll(/^data: (\{.*\})$/gm)) {
      const { type, toolCallId = "" } = JSON.parse(json) as { type: string; toolCallId?: string };
      if (type === "tool-input-available") open.add(toolCallId);
      if (!type.startsWith("tool-output-")) continue;
      if (!open.delete(toolCallId)) violations.push(`V6: ${type} of ${toolCallId} in ${ref.runId} has no call`);
    }
  }
  return violations;
}

/** G4: a run of an agent ends well unless somebody stopped it, or the model had no plan or no answer. */
function checkAgentEnd({ ref, state }: RunRecord, { planned, isCalm }: AgentEvidence): string[] {
  if (state.status === "cancelled" && state.cancellation !== undefined) return [];
  if (state.status === "failed" && (planned.junk > 2 || !isCalm)) return [];
  if (state.status !== "completed") return [`G4: ${ref.runId} is ${state.status}`];
  const { results } = state.output as unknown as AgentRunOutput;
  const lost = results.filter(({ id, status }) => {
    const settled = state.settled.find(({ step }) => step === `do ${id}`);
    const isDone = settled?.outcome.kind === "done" && (settled.outcome.value as { kind: string }).kind === "ok";
    return (status === "done") !== isDone;
  });
  return lost.map(({ id, status }) => `G2: ${ref.runId} says that ${id} is ${status}, its journal does not`);
}
