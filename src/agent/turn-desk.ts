/**
 * Where a turn's pieces come together: what the model and the tools do becomes events, which go to the log, to the reader and into the answer's parts.
 *
 * Nothing is handed on before the turn is open: a turn that is refused has said nothing.
 */
import { parseForeignJson } from "../core/foreign-json.ts";
import { LeaseLost, type JournalWriter } from "../engine/journal-writer.ts";
import type { LogWriter } from "../event/log-writer.ts";
import type { TurnEvent, TurnOpening } from "../event/turn-event.ts";
import type { Summary } from "../memory/summary.ts";
import { askModel } from "./ask-model.ts";
import { callModel, relayAnswer } from "./relay-answer.ts";
import type { ModelToolCall } from "./model-port.ts";
import type { FrameSink, TurnInput, TurnParts } from "./run-turn.ts";
import { toolStep, type LoopServices } from "./tool-loop.ts";
import { eventOfRecord } from "./turn-journal.ts";
import type { SummaryServices } from "./turn-context.ts";
import { createPartsFold, type PartsFold } from "./turn-state.ts";
import { createTokenCount, type TokenCount } from "./turn-tokens.ts";
import { createUiProjection } from "./ui-projection.ts";

export interface TurnDesk {
  /** What the turn's code works with. */
  readonly services: LoopServices & SummaryServices;
  /** The interpreter's journal: outcomes become events. */
  readonly journal: JournalWriter;
  /** The answer so far. */
  readonly fold: PartsFold;
  /** What the turn's model calls have used. */
  tokens(): number;
  /** That the turn has made of what came before. */
  summary(): Summary | undefined;
  /** The turn is open: what is there already is shown to the reader, and everything goes on. */
  open(writer: LogWriter, opening: TurnOpening): Promise<void>;
  /** Adds words of ours to the answer. */
  say(text: string): Promise<void>;
  /** Shows an event that the log has already. */
  show(event: TurnEvent): Promise<void>;
}

export function createTurnDesk(parts: TurnParts, input: TurnInput, sink: FrameSink): TurnDesk {
  const count = createTokenCount(input.userMessage.text);
  const fold = counting(createPartsFold(), count);
  let summary: Summary | undefined;
  for (const event of input.earlier) take(event);
  const projection = createUiProjection();
  const opened = Promise.withResolvers<LogWriter>();
  opened.promise.catch(() => undefined);
  const calls = new Map<string, ModelToolCall>();
  let writer: LogWriter | undefined;

  function take(event: TurnEvent): void {
    fold.add(event);
    if (event.type === "context-compacted") summary = event.summary;
  }

  async function emit(event: TurnEvent): Promise<void> {
    take(event);
    writer?.event(event);
    await show(event);
  }

  async function show(event: TurnEvent): Promise<void> {
    await sink.write(projection.event(event));
  }

  /** Steps are numbered by the context; the call's own id is the name's end. */
  function callOf(step: string): ModelToolCall | undefined {
    return calls.get(step.replace(/#\d+$/, "")) ?? calls.get(step);
  }

  return {
    fold,
    tokens: count.tokens,
    summary: () => summary,
    show,
    say: (text) => emit({ type: "message-delta", text }),
    services: {
      async ask(messages, call, { signal }) {
        const pieces = callModel(parts.model, { messages, tools: parts.tools.definitions(), signal });
        const log = await opened.promise;
        await emit({ type: "step-started", step: call });
        try {
          return await relayAnswer(pieces, fold, async (escaped) => {
            log.text(escaped);
            await sink.write(projection.text(escaped));
          });
        } catch (error) {
          if (!signal.aborted) parts.logger.error("a model call failed", { error });
          throw error;
        }
      },
      async summarise(messages, { signal }) {
        // Of a turn that is refused nobody needs a summary.
        await opened.promise;
        const answer = await askModel(parts.model, { messages, tools: [], signal });
        count.addUsage(answer.usage);
        return answer;
      },
      isBudgetSpent: () => input.allowance !== undefined && count.tokens() >= input.allowance.left,
      async runTool(call, step) {
        calls.set(toolStep(call), call);
        await emit({ type: "tool-called", toolCallId: call.id, toolName: call.name, input: parsedInput(call) });
        return parts.tools.run(call, { ...input.ref, runId: input.runId }, step);
      },
    },
    journal: {
      add(record) {
        const event = eventOfRecord(record, fold.step(), callOf);
        if (event !== undefined) void emit(event);
        return parts.clock.now();
      },
      async flush() {
        if (writer === undefined) return;
        await writer.settle().catch((error: unknown) => {
          throw writer?.isSuperseded() === true ? new LeaseLost() : error;
        });
      },
      close: () => Promise.resolve(),
      pending: () => 0,
      flushedAt: parts.clock.now,
    },
    async open(given, opening) {
      writer = given;
      const before = input.earlier.length === 0 ? [opening] : input.earlier;
      for (const event of before) await show(event);
      opened.resolve(given);
    },
  };
}

function counting(fold: PartsFold, count: TokenCount): PartsFold {
  return {
    ...fold,
    add(event) {
      count.add(event);
      fold.add(event);
    },
  };
}

function parsedInput(call: ModelToolCall): unknown {
  const input = parseForeignJson(call.argumentsJson);
  return input === undefined ? call.argumentsJson : input;
}
