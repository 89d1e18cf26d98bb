/**
 * What one segment does with the lease that it has: runs the code, or undoes what was done, until that ends or the budget does; then gives
 * the lease back.
 *
 * A failure of the storage or the queue is nobody's outcome: it is thrown, and the run goes on from its journal. A defect parks the run.
 */
import { asAppError } from "../core/errors.ts";
import { limits } from "../core/limits.ts";
import { startBeats } from "./beats.ts";
import { createSegmentBudget } from "./budget.ts";
import { createContext } from "./create-context.ts";
import { createDeadlines } from "./deadlines.ts";
import type { EngineParts, EnginePorts } from "./engine-parts.ts";
import { failureOf, RunFailed, StepFailed } from "./failures.ts";
import type { CodeEnd } from "./code-end.ts";
import { createInterpreter } from "./interpret-run.ts";
import type { Interpreter } from "./interpreter.ts";
import { createJournalWriter, LeaseLost, type JournalWriter } from "./journal-writer.ts";
import type { OpenedSegment } from "./opened-segment.ts";
import { createOutreach } from "./outreach.ts";
import { deadly, idle, inputNoLongerFits, notDeployed } from "./park-reasons.ts";
import type { AnyRunDefinition } from "./run-definition.ts";
import { isCancelWanted, type RunState } from "./run-state.ts";
import { createSegmentClosing, type EndCause, type SegmentClosing, type SegmentEnd } from "./segment-closing.ts";
import { nextUndo, undoPlan, undoSteps, type Undoer, type UndoEnd } from "./undo-steps.ts";

/** @throws redis_unavailable (retry) and whatever the queue throws; the run is found by its dead lease then. */
export async function runSegment<Services>(engine: EngineParts<Services>, opened: OpenedSegment): Promise<SegmentEnd> {
  const { started } = opened.fold.state;
  const definition = started && engine.registry.get(started.definition, started.version);
  const isPublishing = definition?.isQuiet !== true;
  let interpreter: Interpreter | undefined;
  const writer = createJournalWriter({
    journal: engine.journal,
    ref: opened.ref,
    segment: opened.segment,
    fold: opened.fold,
    unpublished: opened.unpublished,
    isPublishing,
    clock: engine.clock,
    log: engine.log,
    onNews() {
      closing.hearNews();
      interpreter?.hearNews();
    },
  });
  const budget = createSegmentBudget({
    profile: engine.profile,
    stepsMax: opened.learned?.stepsMax ?? Infinity,
    meter: engine.meter,
    clock: engine.clock,
    startedAtMs: opened.startedAtMs,
  });
  const closing = createSegmentClosing({ engine, opened, writer, budget, definition });
  const over = new AbortController();
  const { signal } = over;
  startBeats({ ...engine, writer, onLost: (error) => interpreter?.breakOff(error), signal });
  const segment: Segment<Services> = {
    engine,
    opened,
    writer,
    budget,
    closing,
    signal,
    interpret: (isReplayOnly) => (interpreter = interpreterOf(segment, isReplayOnly)),
  };
  try {
    const cause = endWithoutCode(opened.fold.state);
    if (cause !== undefined) return await closing.endInFailure(cause);
    if (opened.fold.state.idleSegments >= limits.idleSegmentsMax) return await closing.park(idle);
    if (definition === undefined) return await closing.park(notDeployed(started));
    const input = definition.input.safeParse(started?.input);
    if (!input.success) return await closing.park(inputNoLongerFits);
    return await runCode(segment, definition, input.data);
  } catch (error) {
    if (error instanceof LeaseLost) return "superseded";
    if (asAppError(error).code !== "internal" || closing.hasBegun()) throw error;
    return await parkForDefect(segment, error);
  } finally {
    over.abort();
  }
}

/** A defect of ours, or a state that we do not understand: tried again it would come again, and again. @throws what the storage throws. */
async function parkForDefect<Services>({ closing }: Segment<Services>, error: unknown): Promise<SegmentEnd> {
  try {
    return await closing.park(failureOf(error), undefined, error);
  } catch (thrown) {
    if (thrown instanceof LeaseLost) return "superseded";
    throw thrown;
  }
}

interface Segment<Services> {
  readonly engine: EngineParts<Services>;
  readonly opened: OpenedSegment;
  readonly writer: JournalWriter;
  readonly budget: ReturnType<typeof createSegmentBudget>;
  readonly closing: SegmentClosing;
  /** Aborts when the segment is over. */
  readonly signal: AbortSignal;
  readonly interpret: (isReplayOnly: boolean) => Interpreter;
}

function interpreterOf<Services>(
  { engine, opened, writer, budget }: Segment<Services>,
  isReplayOnly: boolean,
): Interpreter {
  const { state } = opened.fold;
  const recorded = state.settled.slice(0, state.undoing?.forwardSteps);
  const chance = chanceOf(engine);
  return createInterpreter({
    ...engine,
    runId: opened.ref.runId,
    state,
    recorded,
    writer,
    budget,
    chance,
    isReplayOnly,
  });
}

async function runCode<Services>(
  segment: Segment<Services>,
  definition: AnyRunDefinition<Services>,
  input: unknown,
): Promise<SegmentEnd> {
  const { engine, opened, closing, writer } = segment;
  const { state } = opened.fold;
  const isDeadly = state.deathsInARow >= limits.deathsInARowMax && !isCancelWanted(state);
  const isUndoing = state.undoing !== undefined;
  const { failure } = opened;
  const interpreter = segment.interpret(isDeadly || isUndoing || failure !== undefined);
  const { ctx, undoers } = createContext({
    interpreter,
    state,
    ref: opened.ref,
    services: engine.services,
    outreach: createOutreach(engine, opened.ref, state),
    writeEvent: (name, payload) => void writer.add({ type: "event", name, payload }),
    writeMemory: (change) => void writer.add({ type: "memory", ...change }),
    now: engine.clock.now,
  });
  const end = await interpreter.run(() => definition.run(ctx, input));
  if (isDeadly && (isUndoing || end.kind === "interrupted")) {
    const step = isUndoing ? nextUndo(state) : interpreter.nextStep();
    return closing.park(deadly(step), step);
  }
  if (isUndoing) return undo(segment, undoers);
  return failure === undefined
    ? closeAfter(segment, end, undoers)
    : undoOrEnd(segment, { status: "failed", failure }, undoers);
}

async function closeAfter<Services>(
  segment: Segment<Services>,
  end: CodeEnd,
  undoers: ReadonlyMap<string, Undoer>,
): Promise<SegmentEnd> {
  const { closing } = segment;
  const isOut = end.kind === "waiting" || end.kind === "out-of-budget";
  // Also where the code is stuck, or only went through what is recorded: whoever cancelled was told that it was accepted.
  if (isCancelWanted(segment.opened.fold.state) && !isOut) return interrupted(segment, undoers);
  switch (end.kind) {
    case "returned":
      return closing.complete(end.value);
    case "threw": {
      const { error } = end;
      // What we do not know may be a defect of ours: to undo a sound reservation because of it would do damage.
      if (!(error instanceof StepFailed) && !(error instanceof RunFailed)) {
        return closing.park(failureOf(error), undefined, error);
      }
      const step = error instanceof StepFailed ? { step: error.step } : {};
      return undoOrEnd(segment, { status: "failed", failure: failureOf(error), ...step }, undoers);
    }
    case "waiting":
      return closing.suspend(end.untilMs);
    case "out-of-budget":
      return closing.yieldFor(end.reason);
    case "interrupted":
      return interrupted(segment, undoers);
    case "stuck":
      return closing.park(end.failure, end.step, end.error);
  }
}

function interrupted<Services>(segment: Segment<Services>, undoers: ReadonlyMap<string, Undoer>): Promise<SegmentEnd> {
  const { cancellation } = segment.opened.fold.state;
  if (cancellation === undefined) return segment.closing.pause();
  const cause = causeOf(cancellation);
  return cancellation.isUndoing ? undoOrEnd(segment, cause, undoers) : segment.closing.endInFailure(cause);
}

type Cancellation = NonNullable<RunState["cancellation"]>;

function causeOf({ reason }: Cancellation): EndCause {
  return { status: "cancelled", failure: { name: "RunCancelled", code: "run_cancelled", message: reason } };
}

/** Where the run is to end and nothing has to be undone, it ends even if this build does not have its code. */
function endWithoutCode(state: RunState): EndCause | undefined {
  const { cancellation, undoing } = state;
  if (cancellation === undefined) return undefined;
  if (state.isGivenUp) return undoing ?? causeOf(cancellation);
  if (undoing !== undefined) return undefined;
  const isNothingDone = undoPlan(state).length === 0 && !state.isUncertain && state.attempts.size === 0;
  return cancellation.isUndoing && !isNothingDone ? undefined : causeOf(cancellation);
}

async function undoOrEnd<Services>(
  segment: Segment<Services>,
  cause: EndCause,
  undoers: ReadonlyMap<string, Undoer>,
): Promise<SegmentEnd> {
  const { writer, opened, closing } = segment;
  await writer.flush();
  if (undoPlan(opened.fold.state).length === 0) return closing.endInFailure(cause);
  writer.add({ type: "undoing", ...cause });
  await writer.flush();
  return undo(segment, undoers);
}

async function undo<Services>(segment: Segment<Services>, undoers: ReadonlyMap<string, Undoer>): Promise<SegmentEnd> {
  const { engine, opened, writer, budget, closing, signal } = segment;
  const { state } = opened.fold;
  const deadlines = createDeadlines({ ...engine, signal });
  const parts = { ...engine, runId: opened.ref.runId, state, undoers, writer, budget, deadlines, signal };
  const end: UndoEnd = await undoSteps({ ...parts, chance: chanceOf(engine) });
  switch (end.kind) {
    case "undone":
      return closing.endInFailure(state.undoing!);
    case "interrupted":
      return closing.pause();
    case "waiting":
      return closing.suspend(end.untilMs);
    case "out-of-budget":
      return closing.yieldFor(end.reason);
    case "stuck":
      return closing.park(end.failure, end.step);
  }
}

function chanceOf({ random }: EnginePorts): () => number {
  return () => (random.bytes(1)[0] ?? 0) / 256;
}
