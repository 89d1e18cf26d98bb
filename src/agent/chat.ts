/**
 * The use cases of a conversation: start a turn, take one up again, stop one.
 *
 * C1 One turn at a time per conversation; the log decides, whatever arrives at once.
 * C2 A message id starts one turn: repeated while it runs it is followed, repeated afterwards its answer is replayed.
 * C3 A turn whose producer died is found by its silence and is taken up by whoever comes next: a reader, the next message, or the sweep's messenger.
 */
import { AppError } from "../core/errors.ts";
import { newMessageId, newRunId } from "../core/ids.ts";
import type { Random } from "../core/ports.ts";
import type { ConversationRef, OpenAnswer } from "../event/event-log.ts";
import { writerLimits } from "../event/log-writer.ts";
import type { LogRecord } from "../event/log-record.ts";
import type { TurnEnding, TurnEvent, TurnOpening, UserText } from "../event/turn-event.ts";
import type { Allowance } from "../limit/token-budget.ts";
import { userMessage, type AnswerState, type Message } from "../memory/message.ts";
import { formatSummary, type ConversationMemory } from "../memory/summary.ts";
import { runTurn, type FrameSink, type OpenedTurn, type TurnEnd, type TurnInput, type TurnParts } from "./run-turn.ts";
import { answerMessage, currentTurn, type TurnState } from "./turn-state.ts";

export interface ChatParts extends TurnParts {
  readonly random: Random;
  readonly queue: TurnQueue;
}

/** Brings a turn to its next segment, at least once. */
export interface TurnQueue {
  /** 1 billed message. */
  continueTurn(ref: ConversationRef): Promise<void>;
  /** Several, as `Queue.triggerNextSteps` brings runs on. */
  continueTurns(refs: readonly ConversationRef[]): Promise<readonly (AppError | undefined)[]>;
}

export interface TurnRequest {
  readonly ref: ConversationRef;
  readonly message: UserText;
  /** True to answer a message again that has an answer. */
  readonly isRegeneration: boolean;
  /** The message itself may be in it when it was sent before. */
  readonly memory: ConversationMemory;
  /** Absent where nobody counts tokens. */
  readonly allowance?: Allowance | undefined;
}

export type StartOutcome =
  | { readonly kind: "opened"; readonly done: Promise<void> }
  /** The same message is being answered already: follow that turn. */
  | { readonly kind: "running"; readonly turn: TurnState }
  | { readonly kind: "answered"; readonly answer: Message }
  /** A dead turn was in the way and has been ended: read the history again and start once more. */
  | { readonly kind: "cleared" };

/** @throws turn_running (refuse) when another message of this conversation is being answered. */
export async function startTurn(parts: ChatParts, request: TurnRequest, sink: FrameSink): Promise<StartOutcome> {
  const answer = completeAnswer(request);
  if (answer !== undefined) return { kind: "answered", answer };
  const runId = newRunId(parts.random);
  const messageId = newMessageId(parts.random);
  const opening: TurnOpening = {
    type: "workflow-started",
    runId,
    messageId,
    userMessage: request.message,
    at: parts.clock.now(),
  };
  const opened = Promise.withResolvers<OpenedTurn>();
  const stored = request.memory.messages;
  const done = runTurn(
    parts,
    {
      ref: request.ref,
      allowance: request.allowance,
      runId,
      messageId,
      userMessage: request.message,
      ...before(request),
      stored,
      earlier: [],
    },
    opened.promise,
    sink,
  );
  done.catch(() => undefined);
  try {
    const answered = await openLog(parts, request.ref, opening);
    if (answered.kind === "opened") {
      opened.resolve({ tenure: answered.tenure, opening });
      return { kind: "opened", done: settleEnd(parts, request.ref, runId, done, sink) };
    }
    opened.reject(new AppError("turn_running", "another turn was opened first"));
    return await meetRunningTurn(parts, request);
  } catch (error) {
    opened.reject(error);
    throw error;
  }
}

/** An opening whose answer was lost is asked for again at once: the log knows it by its run id. */
async function openLog(parts: ChatParts, ref: ConversationRef, opening: TurnOpening): Promise<OpenAnswer> {
  for (let attempt = 1; ; attempt += 1) {
    try {
      return await parts.log.open(ref, opening);
    } catch (error) {
      if (attempt >= openAttemptsMax) throw error;
      parts.logger.warn("opening a turn failed and is repeated", { attempt, cause: error });
    }
  }
}

const openAttemptsMax = 2;

async function meetRunningTurn(parts: ChatParts, request: TurnRequest): Promise<StartOutcome> {
  const turn = currentTurn(await parts.log.read(request.ref));
  if (turn === undefined || turn.ending !== undefined) return { kind: "cleared" };
  if (turn.userMessage.id === request.message.id) return { kind: "running", turn };
  // One that was yielded is on its way to the next segment.
  if (!isSilent(parts, turn))
    throw new AppError("turn_running", "This conversation is still answering an earlier message.");
  await endTurn(parts, request.ref, turn, interruption(turn), "failed");
  return { kind: "cleared" };
}

/**
 * Takes a dead turn up again in this invocation.
 * @returns `moved` when somebody else was faster.
 */
export async function takeUpTurn(
  parts: ChatParts,
  ref: ConversationRef,
  turn: TurnState,
  records: readonly LogRecord[],
  memory: ConversationMemory,
  sink: FrameSink,
): Promise<{ readonly kind: "taken"; readonly done: Promise<void> } | { readonly kind: "moved" }> {
  const opening: TurnOpening = {
    type: "workflow-resumed",
    attemptId: parts.random.uuid(),
    runId: turn.runId,
    messageId: turn.messageId,
    at: parts.clock.now(),
  };
  const answer = await parts.log.supersede(ref, turn.last, opening);
  if (answer.kind === "moved") return answer;
  const earlier: TurnEvent[] = [...eventsOf(turn, records), opening];
  const input = {
    ref,
    runId: turn.runId,
    messageId: turn.messageId,
    userMessage: turn.userMessage,
    ...before({ message: turn.userMessage, memory }),
    stored: memory.messages,
    earlier,
  };
  const done = runTurn(parts, input, Promise.resolve({ tenure: answer.tenure, opening }), sink);
  return { kind: "taken", done: settleEnd(parts, ref, turn.runId, done, sink) };
}

/** Ends the turn that runs, keeping its text so far. False when none runs. */
export async function stopTurn(parts: ChatParts, ref: ConversationRef): Promise<boolean> {
  for (let attempt = 0; attempt < stopAttemptsMax; attempt += 1) {
    const turn = currentTurn(await parts.log.read(ref));
    if (turn === undefined || turn.ending !== undefined) return false;
    if (await endTurn(parts, ref, turn, { type: "workflow-stopped", runId: turn.runId }, "stopped")) return true;
  }
  throw new AppError("redis_unavailable", "the turn kept moving while it was being stopped");
}

/** Whether anybody may take the turn up: its producer gave it back, or has been silent for a whole lease. */
export function isDead(parts: Pick<ChatParts, "clock">, turn: TurnState): boolean {
  return turn.isYielded || isSilent(parts, turn);
}

function isSilent(parts: Pick<ChatParts, "clock">, turn: TurnState): boolean {
  return parts.clock.now() - turn.lastAt > writerLimits.leaseMs;
}

const stopAttemptsMax = 10;

async function endTurn(
  parts: ChatParts,
  ref: ConversationRef,
  turn: TurnState,
  ending: TurnEnding,
  state: AnswerState,
): Promise<boolean> {
  const at = parts.clock.now();
  const messages = [userMessage(turn.userMessage.id, turn.userMessage.text, turn.startedAt)];
  if (turn.parts.some((part) => part.type !== "step-start")) messages.push(answerMessage(turn, state, at));
  const summaries = turn.summary === undefined ? [] : [formatSummary(turn.summary)];
  const answer = await parts.log.supersede(ref, turn.last, ending, [
    ...summaries,
    ...messages.map((message) => JSON.stringify(message)),
  ]);
  if (answer.kind !== "superseded") return false;
  await bookTurn(parts, ref, turn);
  return true;
}

/** Of a turn that was cut off nobody else tells what it used. Where that cannot be booked the turn is over all the same. */
async function bookTurn({ tokenBudget, logger }: ChatParts, ref: ConversationRef, turn: TurnState): Promise<void> {
  if (turn.tokens === 0) return;
  await tokenBudget
    ?.book(ref.userId, turn.tokens)
    .catch((cause: unknown) => logger.warn("tokens are not booked", { runId: turn.runId, cause }));
}

/**
 * A producer that lost its turn to a stop tells its reader so; any other loss is an error that makes the reader resume. A segment that has yielded sends for the next
 * one, which the reader finds when it resumes.
 */
async function settleEnd(
  parts: ChatParts,
  ref: ConversationRef,
  runId: string,
  done: Promise<TurnEnd>,
  sink: FrameSink,
): Promise<void> {
  const end = await done;
  if (end === "completed" || end === "failed") return;
  if (end === "yielded") {
    await parts.queue.continueTurn(ref);
    throw new AppError("turn_running", "the turn goes on in another segment");
  }
  const turn = currentTurn(await parts.log.read(ref));
  if (turn?.runId !== runId || turn.ending?.type !== "workflow-stopped") {
    throw new AppError("turn_running", "another producer has this turn now");
  }
  await sink.write(`data: {"type":"abort"}\n\ndata: [DONE]\n\n`);
}

/** The answer that the message has already; `undefined` where another one is wanted. */
export function completeAnswer(
  request: Pick<TurnRequest, "message" | "isRegeneration" | "memory">,
): Message | undefined {
  if (request.isRegeneration) return undefined;
  return request.memory.messages.find(
    (message) => message.metadata.replyTo === request.message.id && message.metadata.state === "complete",
  );
}

/** The context of an answer: what came before its message. A summary that tells of what came after it is none. */
function before({ message, memory }: Pick<TurnRequest, "message" | "memory">): Pick<TurnInput, "history" | "summary"> {
  const { messages, summary } = memory;
  const at = messages.findIndex(({ id }) => id === message.id);
  if (at < 0) return { history: messages, summary };
  const isEarlier = messages.findIndex(({ id }) => id === summary?.upTo) < at;
  return { history: messages.slice(0, at), summary: isEarlier ? summary : undefined };
}

function eventsOf(turn: TurnState, records: readonly LogRecord[]): TurnEvent[] {
  const from = records.findIndex(
    (record) => record.id.generation === turn.first.generation && record.id.seq === turn.first.seq,
  );
  return records.slice(from).map((record) => record.event);
}

function interruption(turn: TurnState): TurnEnding {
  return {
    type: "workflow-failed",
    runId: turn.runId,
    code: "turn_interrupted",
    errorText: "The answer was cut off; send the message again to get a new one.",
  };
}
