import { AppError } from "../core/errors.ts";
import { limits } from "../core/limits.ts";
import type { Model, ModelPiece, ModelRequest, ModelToolCall } from "./model-port.ts";
import type { ModelAnswer } from "./tool-loop.ts";
import type { PartsFold } from "./turn-state.ts";

export type Pieces = AsyncIterator<ModelPiece, unknown, undefined>;

/** Sends the request now: an async generator does nothing before its first `next`, and the call is to leave beside the turn's opening. */
export function callModel(model: Model, request: ModelRequest): Pieces {
  const pieces = model.stream(request)[Symbol.asyncIterator]();
  let first: ReturnType<Pieces["next"]> | undefined = pieces.next();
  first.catch(() => undefined);
  return {
    next: () => {
      const answer = first ?? pieces.next();
      first = undefined;
      return answer;
    },
    return: async () => (await pieces.return?.()) ?? { done: true, value: undefined },
  };
}

/** Passes one model answer on. What arrived is in the fold also when the stream breaks. */
export async function relayAnswer(
  pieces: Pieces,
  fold: PartsFold,
  text: (escaped: string) => Promise<void>,
): Promise<ModelAnswer> {
  let escapedText = "";
  const toolCalls: ModelToolCall[] = [];
  try {
    for (;;) {
      const { done, value } = await pieces.next();
      if (done === true) throw new AppError("model_unavailable", "the model's stream ended before its answer did");
      if (value.kind === "end") {
        const { finishReason, usage } = value;
        return {
          text: unescaped(escapedText),
          toolCalls: toolCalls.slice(0, limits.toolCallsPerStepMax),
          finishReason,
          ...(usage === undefined ? {} : { usage }),
        };
      }
      if (value.kind === "tool-call") {
        toolCalls.push(value.call);
        continue;
      }
      escapedText += value.escaped;
      await text(value.escaped);
      if (escapedText.length > limits.answerTextCharsMax)
        throw new AppError("model_garbled", "the answer is longer than answerTextCharsMax");
    }
  } finally {
    if (escapedText !== "") fold.add({ type: "message-delta", text: unescaped(escapedText) });
  }
}

function unescaped(escaped: string): string {
  return JSON.parse(`"${escaped}"`) as string;
}
