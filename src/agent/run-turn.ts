/**
 * Produces one turn on the engine: the tool loop runs as the code of a run whose journal is the conversation's event list.
 *
 * T1 Tokens go to the reader at once and to the log coalesced; the reader is told of the end only after the log has it.
 * T2 When somebody supersedes this producer (a stop, another segment), the model is aborted and nothing more is written.
 * T3 What fails in the turn ends it in words, with the text so far kept in memory; the conversation stays usable. What fails below it, the storage, ends only this
 *    segment: the turn is found by its silence.
 * T4 A model call or a tool whose result is in the log is not made again when the turn is taken up after a crash.
 */
import { errorCatalogue, type ErrorCode } from "../core/errors.ts";
import type { Meter } from "../core/meter.ts";
import type { Clock, Log } from "../core/ports.ts";
import { createSegmentBudget, type BudgetProfile } from "../engine/budget.ts";
import type { CodeEnd } from "../engine/code-end.ts";
import { createContext } from "../engine/create-context.ts";
import { StepFailed } from "../engine/failures.ts";
import { createInterpreter } from "../engine/interpret-run.ts";
import type { Interpreter } from "../engine/interpreter.ts";
import { LeaseLost } from "../engine/journal-writer.ts";
import type { StepContext } from "../engine/run-context.ts";
import type { ConversationRef, EventLog, Tenure } from "../event/event-log.ts";
import { createLogWriter, type LogWriter } from "../event/log-writer.ts";
import type { TurnEnding, TurnEvent, TurnOpening, UserText } from "../event/turn-event.ts";
import type { Allowance, TokenBudget } from "../limit/token-budget.ts";
import type { Message } from "../memory/message.ts";
import type { KeptSummary } from "../memory/summary.ts";
import { closingOf } from "./closing.ts";
import type { Model, ModelTool, ModelToolCall } from "./model-port.ts";
import { toolLoop, type LoopEnd, type ToolOutcome } from "./tool-loop.ts";
import { openTurn } from "./turn-context.ts";
import { createTurnDesk, type TurnDesk } from "./turn-desk.ts";
import { settledSteps, turnRunState } from "./turn-journal.ts";
import { answerMessage } from "./turn-state.ts";

/** Tools as a turn needs them; a failing tool is an answer, not an exception. */
export interface TurnTools {
  readonly definitions: () => readonly ModelTool[];
  run(call: ModelToolCall, turn: ConversationRef & { readonly runId: string }, step: StepContext): Promise<ToolOutcome>;
}

/** Where the frames of the UI message stream go; never throws, also when the reader has left. */
export interface FrameSink {
  write(frames: string): Promise<void>;
  /** Whether nobody reads any more. */
  isClosed?(): boolean;
}

export interface TurnParts {
  readonly log: EventLog;
  readonly model: Model;
  readonly tools: TurnTools;
  readonly clock: Clock;
  readonly logger: Log;
  /** Waits; rejects when the signal aborts. */
  readonly pause: (ms: number, signal: AbortSignal) => Promise<void>;
  readonly systemPrompt: string;
  /** What the model takes, as far as it can be estimated. */
  readonly contextTokens: number;
  readonly profile: BudgetProfile;
  readonly meter: Meter;
  /** Where turns book what they use; absent where nobody counts it. */
  readonly tokenBudget?: TokenBudget | undefined;
}

export interface TurnInput {
  readonly ref: ConversationRef;
  readonly runId: string;
  readonly messageId: string;
  readonly userMessage: UserText;
  /** The messages that this turn answers after, chronological. */
  readonly history: readonly Message[];
  /** Of what came before that, where it is long. */
  readonly summary: KeptSummary | undefined;
  /** All that memory held when the turn was admitted; more than the history where a message is answered again. */
  readonly stored: readonly Message[];
  /** Events that an earlier producer of this turn left behind, and the `workflow-resumed` that took it over; empty for a new turn. */
  readonly earlier: readonly TurnEvent[];
  /** Known where the turn was admitted, not where it was taken up. */
  readonly allowance?: Allowance | undefined;
}

export interface OpenedTurn {
  readonly tenure: Tenure;
  readonly opening: TurnOpening;
}

/** `yielded`: the next segment has to be sent for. `superseded`: somebody else has the turn now. */
export type TurnEnd = "completed" | "failed" | "yielded" | "superseded";

const pulseMs = 250;

/**
 * Runs the turn until it ends or the segment has to. `opened` settles when the log has the opening: until then nothing is handed to the reader, and a refusal
 * there aborts the model call that was begun meanwhile.
 */
export async function runTurn(
  given: TurnParts,
  input: TurnInput,
  opened: Promise<OpenedTurn>,
  sink: FrameSink,
): Promise<TurnEnd> {
  const parts = { ...given, logger: given.logger.with({ runId: input.runId }) };
  const desk = createTurnDesk(parts, input, sink);
  const interpreter = interpreterOf(parts, input, desk, sink);
  opened.catch((error: unknown) => interpreter.breakOff(error));
  const code = interpreter.run(() => runLoop(parts, input, desk, interpreter));
  code.catch(() => undefined);
  const turn = await opened;
  const logger = parts.logger.with({ segment: turn.tenure.generation });
  const writer = createLogWriter({
    log: parts.log,
    ref: input.ref,
    ...turn,
    isOpeningUnpublished: turn.opening.type === "workflow-started",
    clock: parts.clock,
    logger,
    onSuperseded: () => interpreter.breakOff(new LeaseLost()),
  });
  const stopPulse = startPulse(parts, writer);
  try {
    await desk.open(writer, turn.opening);
    return await close(
      { parts: { ...parts, logger }, input, desk, writer, isListNew: turn.tenure.listLength === 1 },
      await code,
    );
  } catch (error) {
    if (error instanceof LeaseLost || writer.isSuperseded()) return "superseded";
    throw error;
  } finally {
    stopPulse();
    interpreter.breakOff(new LeaseLost());
  }
}

function interpreterOf(parts: TurnParts, input: TurnInput, desk: TurnDesk, sink: FrameSink): Interpreter {
  const startedAtMs = parts.clock.now();
  const settled = settledSteps(input.earlier, startedAtMs);
  const base = { meter: parts.meter, clock: parts.clock, startedAtMs, stepsMax: Infinity };
  const whileRead = createSegmentBudget({ ...base, profile: { ...parts.profile, wallMs: Infinity } });
  const unread = createSegmentBudget({ ...base, profile: parts.profile });
  return createInterpreter({
    ...parts,
    runId: input.runId,
    state: turnRunState(settled, startedAtMs),
    recorded: settled,
    writer: desk.journal,
    // The platform lets an invocation live as long as somebody reads its answer.
    budget: { ...whileRead, admit: (underWay) => (sink.isClosed?.() === false ? whileRead : unread).admit(underWay) },
    chance: () => 0,
  });
}

async function runLoop(parts: TurnParts, input: TurnInput, desk: TurnDesk, interpreter: Interpreter): Promise<LoopEnd> {
  const unreachable = (): Promise<never> => Promise.reject(new Error("a turn reaches out to nobody but its tools"));
  const { ctx } = createContext({
    interpreter,
    state: turnRunState([], parts.clock.now()),
    ref: { userId: input.ref.userId, runId: input.runId },
    services: desk.services,
    outreach: { call: unreachable, startChild: unreachable },
    writeEvent: () => {},
    writeMemory: () => {},
    now: parts.clock.now,
  });
  const { opening, settled } = await openTurn(ctx, {
    ...input,
    ...parts,
    tools: parts.tools.definitions(),
    userText: input.userMessage.text,
    hasAnswer: input.earlier.some(({ type }) => type === "step-completed"),
    log: parts.logger,
  });
  const [end] = await Promise.all([toolLoop(ctx, opening), settled]);
  return end;
}

interface Closing {
  readonly parts: TurnParts;
  readonly input: TurnInput;
  readonly desk: TurnDesk;
  readonly writer: LogWriter;
  readonly isListNew: boolean;
}

async function close(closing: Closing, end: CodeEnd): Promise<TurnEnd> {
  const { input, desk, writer, parts } = closing;
  switch (end.kind) {
    case "returned": {
      const { finishReason } = end.value as LoopEnd;
      const limit = limitWords[finishReason];
      if (limit !== undefined) await desk.say(`\n\nI stop here: ${limit}`);
      const message = answerMessage({ ...input, parts: desk.fold.parts() }, "complete", parts.clock.now());
      writer.event({ type: "message-completed", message });
      const reason = limit === undefined ? finishReason : "length";
      return finish(closing, { type: "workflow-completed", runId: input.runId, finishReason: reason });
    }
    case "out-of-budget":
      writer.event({ type: "segment-yielded", reason: end.reason });
      await writer.settle();
      return "yielded";
    case "threw":
      return finish(closing, failure(closing, end.error));
    case "waiting":
    case "interrupted":
    case "stuck":
      return finish(closing, failure(closing, end));
  }
}

/** Why a turn ends before the model has done. */
const limitWords: Readonly<Record<string, string>> = {
  "tool-steps": "this turn has used up its tool steps.",
  "day-tokens": "the model tokens of this day are used up; a new day begins at midnight UTC.",
};

async function finish({ parts, input, desk, writer, isListNew }: Closing, ending: TurnEnding): Promise<TurnEnd> {
  const isComplete = ending.type === "workflow-completed";
  const kept = desk.summary() ?? (input.summary?.isFading === true ? input.summary : undefined);
  const of = { parts: desk.fold.parts(), summary: kept, isEventListNew: isListNew, at: parts.clock.now() };
  const { tokenBudget } = parts;
  const booking = { spent: desk.tokens(), begunDay: input.allowance?.begunDay };
  const finished = { ...input, ...of, ...(tokenBudget === undefined ? {} : { tokens: booking }) };
  const isDurable = await writer.close(ending, closingOf(finished, isComplete ? "complete" : "failed"));
  if (!isDurable) return "superseded";
  await desk.show(ending);
  return isComplete ? "completed" : "failed";
}

/** The reader is told what the catalogue says to everybody; what really happened is in the log. */
function failure({ parts, input }: Closing, cause: unknown): TurnEnding {
  const named = cause instanceof StepFailed ? cause.failure.code : undefined;
  const code: ErrorCode = named !== undefined && named in errorCatalogue ? (named as ErrorCode) : "internal";
  parts.logger.error("a turn failed", { code, error: cause });
  return { type: "workflow-failed", runId: input.runId, code, errorText: errorCatalogue[code].publicText };
}

function startPulse(parts: TurnParts, writer: LogWriter): () => void {
  const stopper = new AbortController();
  async function pulse(): Promise<void> {
    while (!stopper.signal.aborted) {
      await parts.pause(pulseMs, stopper.signal);
      await writer.pulse();
    }
  }
  pulse().catch(() => undefined);
  return () => stopper.abort();
}
