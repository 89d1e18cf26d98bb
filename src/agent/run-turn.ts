/**
 * Produces one turn: model call, tools, model call, … until the model has nothing more to do.
 *
 * T1 Tokens go to the reader at once and to the log coalesced; the reader is told of the end only after the log has it.
 * T2 When somebody supersedes this producer (a stop, another segment), the model is aborted and nothing more is written.
 * T3 Whatever fails ends the turn in words, with the text so far kept in memory; the conversation stays usable.
 * T4 A tool whose result is in the log is not run again when the turn is taken up after a crash.
 */
import { AppError, asAppError, errorCatalogue } from "../core/errors.ts";
import { limits } from "../core/limits.ts";
import type { Clock, Log } from "../core/ports.ts";
import type { ConversationRef, EventLog, Tenure } from "../event/event-log.ts";
import { createLogWriter, type LogWriter } from "../event/log-writer.ts";
import type { TurnEnding, TurnEvent, TurnOpening, UserText } from "../event/turn-event.ts";
import type { Message } from "../memory/message.ts";
import { closingOf } from "./closing.ts";
import type { Model, ModelMessage, ModelTool, ModelToolCall } from "./model-port.ts";
import { callModel, relayAnswer, type Pieces } from "./relay-answer.ts";
import { answerMessages, toModelMessages } from "./transcript.ts";
import { answerMessage, createPartsFold, type PartsFold } from "./turn-state.ts";
import { createUiProjection } from "./ui-projection.ts";

/** Tools as a turn needs them; a failing tool is an answer, not an exception. */
export interface TurnTools {
  readonly definitions: readonly ModelTool[];
  run(call: ModelToolCall, ref: ConversationRef, signal: AbortSignal): Promise<ToolOutcome>;
}

export type ToolOutcome =
  | { readonly kind: "ok"; readonly output: unknown }
  | { readonly kind: "failed"; readonly errorText: string };

/** Where the frames of the UI message stream go; never throws, also when the reader has left. */
export interface FrameSink {
  write(frames: string): Promise<void>;
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
}

export interface TurnInput {
  readonly ref: ConversationRef;
  readonly runId: string;
  readonly messageId: string;
  readonly userMessage: UserText;
  /** The messages that this turn answers after, chronological. */
  readonly history: readonly Message[];
  /** All that memory held when the turn was admitted; more than the history where a message is answered again. */
  readonly stored: readonly Message[];
  /** Events that an earlier producer of this turn left behind, and the `workflow-resumed` that took it over; empty for a new turn. */
  readonly earlier: readonly TurnEvent[];
}

export interface OpenedTurn {
  readonly tenure: Tenure;
  readonly opening: TurnOpening;
}

const pulseMs = 250;

/**
 * Runs the turn to its end. `opened` settles when the log has the opening: until then nothing is handed to the reader, and a refusal
 * there aborts the model call that was begun meanwhile.
 * @returns how the turn ended; `superseded` when somebody else has it now.
 */
export async function runTurn(
  parts: TurnParts,
  input: TurnInput,
  opened: Promise<OpenedTurn>,
  sink: FrameSink,
): Promise<"completed" | "failed" | "superseded"> {
  const aborter = new AbortController();
  const fold = createPartsFold();
  for (const event of input.earlier) fold.add(event);
  const firstCall = startModelCall(parts, input, fold, aborter.signal);
  let turn: OpenedTurn;
  try {
    turn = await opened;
  } catch (error) {
    aborter.abort(error);
    await firstCall.return?.().catch(() => undefined);
    throw error;
  }
  const writer = createLogWriter({
    log: parts.log,
    ref: input.ref,
    ...turn,
    isOpeningUnpublished: turn.opening.type === "workflow-started",
    clock: parts.clock,
    logger: parts.logger,
    onSuperseded: () => aborter.abort(new AppError("turn_running", "another writer has this turn now")),
  });
  const stopPulse = startPulse(parts, writer);
  try {
    return await produce(
      { parts, input, fold, writer, sink, signal: aborter.signal, isListNew: turn.tenure.listLength === 1 },
      turn.opening,
      firstCall,
    );
  } finally {
    stopPulse();
    aborter.abort();
  }
}

function startModelCall(parts: TurnParts, input: TurnInput, fold: PartsFold, signal: AbortSignal): Pieces {
  const messages: ModelMessage[] = [
    { role: "system", content: parts.systemPrompt },
    ...toModelMessages(input.history),
    { role: "user", content: input.userMessage.text },
    ...answerMessages(fold.parts()),
  ];
  return callModel(parts.model, { messages, tools: parts.tools.definitions, signal });
}

interface Production {
  readonly parts: TurnParts;
  readonly input: TurnInput;
  readonly fold: PartsFold;
  readonly writer: LogWriter;
  readonly sink: FrameSink;
  readonly signal: AbortSignal;
  readonly isListNew: boolean;
}

async function produce(
  production: Production,
  opening: TurnOpening,
  firstCall: Pieces,
): Promise<"completed" | "failed" | "superseded"> {
  const { writer, sink, fold, input } = production;
  const projection = createUiProjection();
  for (const event of input.earlier) await sink.write(projection.event(event));
  if (input.earlier.length === 0) await sink.write(projection.event(opening));

  async function emit(event: TurnEvent): Promise<void> {
    fold.add(event);
    writer.event(event);
    await sink.write(projection.event(event));
  }
  async function text(escaped: string): Promise<void> {
    writer.text(escaped);
    await sink.write(projection.text(escaped));
  }

  let ending: TurnEnding;
  try {
    const finishReason = await runSteps(production, firstCall, emit, text);
    const message = answerMessage({ ...input, parts: fold.parts() }, "complete", production.parts.clock.now());
    writer.event({ type: "message-completed", message });
    ending = { type: "workflow-completed", runId: input.runId, finishReason };
  } catch (thrown) {
    if (writer.isSuperseded()) return "superseded";
    ending = failure(production, thrown);
  }
  const isDurable = await writer.close(
    ending,
    closingOf(
      { ...input, parts: fold.parts(), isEventListNew: production.isListNew, at: production.parts.clock.now() },
      ending.type === "workflow-completed" ? "complete" : "failed",
    ),
  );
  if (!isDurable) return "superseded";
  await sink.write(projection.event(ending));
  return ending.type === "workflow-completed" ? "completed" : "failed";
}

async function runSteps(
  production: Production,
  firstCall: Pieces,
  emit: (event: TurnEvent) => Promise<void>,
  text: (escaped: string) => Promise<void>,
): Promise<string> {
  const { parts, input, fold, signal } = production;
  let pieces = firstCall;
  for (let call = fold.step() + 1; ; call += 1) {
    await emit({ type: "step-started", step: call });
    const answer = await relayAnswer(pieces, fold, text);
    if (answer.toolCalls.length === 0) return answer.finishReason;
    await runTools(production, answer.toolCalls, emit);
    if (call >= limits.toolStepsMax) {
      await emit({ type: "message-delta", text: "\n\nI stop here: this turn has used up its tool steps." });
      return "length";
    }
    pieces = startModelCall(parts, input, fold, signal);
  }
}

async function runTools(
  production: Production,
  calls: readonly ModelToolCall[],
  emit: (event: TurnEvent) => Promise<void>,
): Promise<void> {
  for (const call of calls) {
    await emit({ type: "tool-called", toolCallId: call.id, toolName: call.name, input: parsedInput(call) });
  }
  await Promise.all(
    calls.map(async (call) => {
      const outcome = await production.parts.tools.run(call, production.input.ref, production.signal);
      const named = { toolCallId: call.id, toolName: call.name };
      if (outcome.kind === "ok") await emit({ type: "tool-completed", ...named, output: outcome.output });
      else await emit({ type: "tool-failed", ...named, errorText: outcome.errorText });
    }),
  );
}

function parsedInput(call: ModelToolCall): unknown {
  try {
    return JSON.parse(call.argumentsJson);
  } catch {
    return call.argumentsJson;
  }
}

function failure(production: Production, thrown: unknown): TurnEnding {
  const error = asAppError(thrown);
  production.parts.logger.error("a turn failed", {
    runId: production.input.runId,
    code: error.code,
    error,
  });
  return {
    type: "workflow-failed",
    runId: production.input.runId,
    code: error.code,
    errorText: errorCatalogue[error.code].publicText,
  };
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
