/** What must hold of every run when the world has come to rest. Each function answers with the violations in words. */
import { limits } from "../../src/core/limits.ts";
import { createRunFold } from "../../src/engine/fold-run.ts";
import { runEvents } from "../../src/engine/follow-run.ts";
import { outside, parseEntry } from "../../src/engine/journal-entry.ts";
import { isOver } from "../../src/engine/run-state.ts";
import { addSpending, nothingSpent } from "../../src/engine/spending.ts";
import { undoPrefix } from "../../src/engine/undo-steps.ts";
import type { RunRecord } from "./record.ts";
import type { Effect } from "./things.ts";

export interface Evidence {
  readonly records: ReadonlyMap<string, RunRecord>;
  readonly effects: readonly Effect[];
  /** By idempotency key. */
  readonly attempts: ReadonlyMap<string, Attempts>;
}

/** Of one key: what was tried, which is not how often it happened, for a network may double a call. */
export interface Attempts {
  readonly labels: Set<string>;
  count: number;
  /** That one journal may make. */
  readonly countMax: number;
  readonly isUndoable: boolean;
}

/** Of runs of the script of this simulation. */
export function checkRun(record: RunRecord, evidence: Evidence): string[] {
  return [
    ...checkAlways(record, evidence.effects),
    ...checkDecisions(record, evidence),
    ...checkAttempts(record, evidence),
    ...checkNothingIsLeft(record, evidence),
    ...checkEmitted(record),
    ...checkOutput(record, evidence),
  ];
}

/** Of any run. */
export function checkAlways(record: RunRecord, effects: readonly Effect[]): string[] {
  return [...checkLeases(record), ...checkUndoing(record, effects), ...checkEnd(record)];
}

/** E1, R5: each step is decided once, by its own effect, and nothing comes after the end. */
function checkDecisions({ ref, entries }: RunRecord, evidence: Evidence): string[] {
  const violations: string[] = [];
  const fold = createRunFold();
  const decided = new Map<string, string>();
  for (const text of entries) {
    const entry = parseEntry(text);
    const wasOver = isOver(fold.state.status);
    const before = fold.state.settled.length;
    if (!fold.apply(text) || entry === undefined) continue;
    const { record } = entry;
    if (wasOver && record.type !== "retry") violations.push(`R5: ${record.type} counts after the end of ${ref.runId}`);
    // A person has the step that failed done again.
    if (record.type === "retry" || record.type === "resume" || record.type === "compensate") decided.clear();
    if (record.type !== "done" && record.type !== "failed") continue;
    const outcome = JSON.stringify(record.type === "done" ? record.value : record.failure);
    const known = decided.get(record.step);
    if (known !== undefined && known !== outcome && fold.state.settled.length > before) {
      violations.push(`E1: ${ref.runId} ${record.step} was decided twice: ${known} and ${outcome}`);
    }
    decided.set(record.step, known ?? outcome);
    if (record.type !== "done" || typeof record.value !== "number" || record.value < 0) continue;
    const key = evidence.effects[record.value]?.key;
    if (!ownKeys(ref.runId, record.step, evidence).includes(key ?? "")) {
      violations.push(`E1: the result of ${ref.runId} ${record.step} is that of ${key}`);
    }
  }
  return violations;
}

/** Of the step in this run, and in those that it was forked from. */
function ownKeys(runId: string, step: string, { records }: Evidence): string[] {
  const source = records.get(runId)?.state.started?.forkedFrom?.runId;
  const inSource = source === undefined ? [] : ownKeys(source, step, { records } as Evidence);
  return [`${runId}/${step}`, ...inSource];
}

/** R1, R2 told once more, apart from the fold: at most one segment has the lease, and who takes it from another may. */
function checkLeases({ ref, entries }: RunRecord): string[] {
  const violations: string[] = [];
  const fold = createRunFold();
  let holder: { writer: string; lastAt: number; leaseMs: number; message: string; retried: number } | undefined;
  for (const text of entries) {
    const entry = parseEntry(text);
    if (!fold.apply(text) || entry === undefined || entry.writer === outside) continue;
    const { writer, at, record } = entry;
    if (record.type === "opened") {
      const { messageId = "", retried = 0 } = record.delivery ?? {};
      const isRunOut = holder === undefined || at > holder.lastAt + holder.leaseMs;
      const isAgain = holder?.message === messageId && messageId !== "" && retried > holder.retried;
      if (!isRunOut && !isAgain) violations.push(`R1: ${writer} took the lease of ${ref.runId} from ${holder?.writer}`);
      holder = { writer, lastAt: at, leaseMs: record.leaseMs, message: messageId, retried };
      continue;
    }
    if (holder?.writer !== writer)
      violations.push(`R2: ${writer} wrote ${record.type} into ${ref.runId} without the lease`);
    const isClosing = ["yielded", "suspended", "parked", "completed", "ended"].includes(record.type);
    holder = isClosing || holder === undefined ? undefined : { ...holder, lastAt: Math.max(holder.lastAt, at) };
  }
  return violations;
}

/** E4: what can be undone was undone, and nothing else, the last one first. */
function checkUndoing({ ref, state }: RunRecord, effects: readonly Effect[]): string[] {
  if (!isOver(state.status) || state.isGivenUp) return [];
  const prefix = `${ref.runId}/${undoPrefix}`;
  const undone = effects.filter(({ key }) => key.startsWith(prefix)).map(({ key }) => key.slice(prefix.length));
  const order = [...new Set(undone)];
  // Not the engine's own plan: that may be what is wrong.
  const forward = state.settled.slice(0, state.undoing?.forwardSteps).filter(({ isUndoable }) => isUndoable);
  const plan = state.undoing === undefined ? [] : forward.map(({ step }) => step).toReversed();
  if (JSON.stringify(order) !== JSON.stringify(plan)) {
    return [`E4: ${ref.runId} (${state.status}) undid [${order.join(", ")}] instead of [${plan.join(", ")}]`];
  }
  const mayLeave = state.status === "completed" || (state.cancellation?.isUndoing === false && !state.undoing);
  if (mayLeave || state.undoing !== undefined || !state.settled.some(({ isUndoable }) => isUndoable)) return [];
  return [`E4: ${ref.runId} ${state.status} and undid nothing`];
}

/** E1: what the code emits is told once, however often the code is run. Each line of a script has a path of its own. */
function checkEmitted({ ref, entries }: RunRecord): string[] {
  const told = runEvents(entries).flatMap(({ type, data }) =>
    type === "said" ? [JSON.stringify(data["payload"])] : [],
  );
  const paths = told.map((payload) => (JSON.parse(payload) as { path: unknown }).path);
  return new Set(paths).size === paths.length ? [] : [`E1: ${ref.runId} told twice of one of ${paths.join(", ")}`];
}

/** U3: what happened and could be undone is undone, also where it happened unseen. What the run was told to have failed, it does not know of. */
function checkNothingIsLeft({ ref, entries, state }: RunRecord, { effects, attempts }: Evidence): string[] {
  if (!isOver(state.status) || state.isGivenUp) return [];
  const isUndone = state.undoing !== undefined || state.cancellation?.isUndoing === true;
  if (state.status === "completed" || !isUndone || endsInSpiteOfDeaths(entries)) return [];
  const failed = new Set(state.settled.filter(({ outcome }) => outcome.kind === "failed").map(({ step }) => step));
  const prefix = `${ref.runId}/`;
  const left = effects.filter(({ key, isFailing }) => {
    if (isFailing || !key.startsWith(prefix) || attempts.get(key)?.isUndoable !== true) return false;
    const step = key.slice(prefix.length);
    return !failed.has(step) && !effects.some((undo) => undo.key === `${prefix}${undoPrefix}${step}`);
  });
  return left.map(({ key }) => `U3: ${key} happened, ${ref.runId} is ${state.status}, and it is not undone`);
}

/** What has killed three segments in a row is not done once more to see whether it happened. */
function endsInSpiteOfDeaths(entries: readonly string[]): boolean {
  const fold = createRunFold();
  return entries.some((text) => {
    const type = parseEntry(text)?.record.type;
    const isEnd = type === "undoing" || type === "ended";
    const isDeadly = isEnd && fold.state.deathsInARow >= limits.deathsInARowMax;
    fold.apply(text);
    return isDeadly;
  });
}

/** E5, U1: how it ended, and what it cost. */
function checkEnd({ ref, entries, state }: RunRecord): string[] {
  const violations: string[] = [];
  let spent = nothingSpent;
  const closed = new Set<string>();
  const fold = createRunFold();
  for (const text of entries) {
    const entry = parseEntry(text);
    if (!fold.apply(text) || entry === undefined) continue;
    const { record } = entry;
    const failure = record.type === "parked" || record.type === "ended" ? record.failure : undefined;
    if (failure?.code === "redis_unavailable" || failure?.code === "queue_unavailable") {
      violations.push(`E5: ${ref.runId} is ${record.type} by a failure of the infrastructure`);
    }
    if (!("spent" in record)) continue;
    if (closed.has(entry.writer)) violations.push(`U1: ${entry.writer} is paid for twice by ${ref.runId}`);
    closed.add(entry.writer);
    spent = addSpending(spent, record.spent);
  }
  const { status, cancellation, undoing } = state;
  if (status === "completed" && cancellation !== undefined && undoing === undefined)
    violations.push(`R7: ${ref.runId} has completed, although its cancellation was accepted`);
  if (JSON.stringify(spent) !== JSON.stringify(state.spent))
    violations.push(`U1: the receipt of ${ref.runId} does not add up`);
  return violations;
}

/** E7: no step is tried more often than it may be, but for attempts whose segment did not live to record them; no two steps share a key. */
function checkAttempts({ ref, entries }: RunRecord, { attempts }: Evidence): string[] {
  const violations: string[] = [];
  const { unclosed, retries } = countSegments(entries);
  for (const [key, { labels, count, countMax }] of attempts) {
    if (!key.startsWith(`${ref.runId}/`)) continue;
    if (labels.size > 1) violations.push(`E7: ${key} is the key of ${[...labels].join(" and of ")}`);
    const most = countMax * (1 + retries) + unclosed;
    if (count > most) violations.push(`E7: ${key} was tried ${count} times, of ${most}`);
  }
  return violations;
}

function countSegments(entries: readonly string[]): { unclosed: number; retries: number } {
  const fold = createRunFold();
  let unclosed = 0;
  let retries = 0;
  for (const text of entries) {
    const record = fold.apply(text) ? parseEntry(text)?.record : undefined;
    if (record?.type === "opened") unclosed += 1;
    if (record !== undefined && "spent" in record) unclosed -= 1;
    if (record?.type === "retry" || record?.type === "resume" || record?.type === "compensate") retries += 1;
  }
  return { unclosed, retries };
}

/** E1: the chain of results that the run returned is that of its own steps, each once. */
function checkOutput({ ref, state }: RunRecord, { effects }: Evidence): string[] {
  if (state.status !== "completed") return [];
  const numbers = [...String(state.output).matchAll(/=(\d+)/g)].map(([, number]) => Number(number));
  const violations = numbers
    .filter((number) => effects[number] === undefined)
    .map((number) => `E1: the output of ${ref.runId} has ${number}, which never happened`);
  if (new Set(numbers).size < numbers.length) violations.push(`E1: the output of ${ref.runId} has a result twice`);
  const missing = state.settled.filter(
    ({ outcome }) =>
      outcome.kind === "done" &&
      typeof outcome.value === "number" &&
      outcome.value >= 0 &&
      !numbers.includes(outcome.value),
  );
  // A step beside one that failed may be done although the code went on without it.
  if (missing.length > 0 && state.settled.every(({ outcome }) => outcome.kind === "done")) {
    violations.push(`E1: the output of ${ref.runId} lacks ${missing.map(({ step }) => step).join(", ")}`);
  }
  return violations;
}
