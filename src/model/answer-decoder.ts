/**
 * Turns the bytes of a chat completion stream into pieces. It does no I/O and knows no clock.
 *
 * A1 How the bytes are cut into chunks changes how the text is cut into pieces, and nothing else.
 * A2 What came before a failure is handed out before the failure is.
 * A3 An end is only what the model said itself, by a finish reason or `[DONE]`; anything less is a cut.
 */
import { AppError, asAppError } from "../core/errors.ts";
import type { ModelFinishReason, ModelPiece, ModelUsage } from "../agent/model-port.ts";
import { readChunk } from "./completion-chunk.ts";
import { isFramingLine, payloadStart } from "./event-line.ts";
import { answerBytesMax, lineCharsMax } from "./model-limits.ts";
import { createToolCallParts } from "./tool-call-parts.ts";

export interface AnswerDecoder {
  /** Takes the next bytes; at most one text piece comes of them. */
  push(bytes: Uint8Array): readonly ModelPiece[];
  /** Tells that no bytes follow: the pieces that were still held back, or a failure. */
  finish(): readonly ModelPiece[];
  /** The end was handed out; further bytes mean nothing. */
  readonly isEnded: boolean;
  /** The model has said that it is done: a connection that breaks now has lost nothing but the usage. */
  readonly isWhole: boolean;
  /** To be thrown by the caller after the pieces of the call that set it. */
  readonly failure: AppError | undefined;
}

const nothing: readonly ModelPiece[] = [];

export function createAnswerDecoder(): AnswerDecoder {
  const utf8 = new TextDecoder();
  const calls = createToolCallParts();
  let rest = "";
  let byteCount = 0;
  let hasData = false;
  let hasStrangeLine = false;
  let isEnded = false;
  let failure: AppError | undefined;
  let finishReason: ModelFinishReason | undefined;
  let usage: ModelUsage | undefined;
  let completionId: string | undefined;
  /** Escaped text of the call in progress. */
  let text = "";

  function scan(input: string): void {
    let position = 0;
    // Each is searched again only when passed, so that a stream without the one pays for it once a chunk.
    let nextLf = input.indexOf("\n");
    let nextCr = input.indexOf("\r");
    while (!isEnded && position < input.length) {
      if (nextLf >= 0 && nextLf < position) nextLf = input.indexOf("\n", position);
      if (nextCr >= 0 && nextCr < position) nextCr = input.indexOf("\r", position);
      const lineEnd = nextLf < 0 || (nextCr >= 0 && nextCr < nextLf) ? nextCr : nextLf;
      if (lineEnd < 0) break;
      if (lineEnd > position) takeLine(input.slice(position, lineEnd));
      position = lineEnd + 1;
    }
    rest = input.slice(position);
  }

  function takeLine(line: string): void {
    if (line.length > lineCharsMax) throw lineTooLong();
    const start = payloadStart(line);
    if (start < 0) {
      hasStrangeLine ||= !isFramingLine(line);
      return;
    }
    const payload = line.slice(start).trim();
    hasData = true;
    if (payload === "") return;
    if (payload === "[DONE]") {
      isEnded = true;
      return;
    }
    takePayload(payload);
  }

  function takePayload(payload: string): void {
    const chunk = readChunk(payload);
    completionId ??= chunk.completionId;
    if (chunk.text !== "") text += JSON.stringify(chunk.text).slice(1, -1);
    for (const delta of chunk.toolCalls) calls.add(delta);
    finishReason = chunk.finishReason ?? finishReason;
    usage = chunk.usage ?? usage;
  }

  /** Runs `work`, then hands out the text that it found, and the end once there is one. */
  function collect(work: () => void): readonly ModelPiece[] {
    if (isEnded || failure !== undefined) return nothing;
    text = "";
    const pieces: ModelPiece[] = [];
    let end: ModelPiece[] = [];
    try {
      work();
      if (isEnded) end = endPieces();
    } catch (thrown) {
      failure = asAppError(thrown);
    }
    if (text !== "") pieces.push({ kind: "text", escaped: text });
    pieces.push(...end);
    return pieces;
  }

  function endPieces(): ModelPiece[] {
    const isCut = finishReason === "length" || finishReason === "content-filter";
    const whole = calls.calls(completionId, isCut);
    const stopped = whole.length > 0 && !isCut ? "tool-calls" : "stop";
    const said = finishReason === undefined || finishReason === "stop" ? stopped : finishReason;
    return [
      ...whole.map((call): ModelPiece => ({ kind: "tool-call", call })),
      { kind: "end", finishReason: said, ...(usage === undefined ? {} : { usage }) },
    ];
  }

  return {
    get isEnded() {
      return isEnded;
    },
    get isWhole() {
      return isEnded || finishReason !== undefined;
    },
    get failure() {
      return failure;
    },
    push(bytes) {
      return collect(() => {
        byteCount += bytes.byteLength;
        if (byteCount > answerBytesMax) {
          throw new AppError("model_garbled", `The answer exceeds ${answerBytesMax} bytes.`);
        }
        const decoded = utf8.decode(bytes, { stream: true });
        if (rest === "") scan(decoded);
        else if (hasLineEnd(decoded)) scan(rest + decoded);
        else rest += decoded;
        if (rest.length > lineCharsMax) throw lineTooLong();
      });
    },
    finish() {
      return collect(() => {
        const last = rest + utf8.decode();
        rest = "";
        if (payloadStart(last) >= 0) hasData = true;
        // A last line without its end counts if it is whole; if not, the connection was cut within it.
        if (isWholeLine(last)) takeLine(last);
        if (finishReason !== undefined) isEnded = true;
        if (!isEnded) throw unfinished(hasData, hasStrangeLine || isStrange(last));
      });
    },
  };
}

function hasLineEnd(text: string): boolean {
  return text.includes("\n") || text.includes("\r");
}

function isWholeLine(line: string): boolean {
  const start = payloadStart(line);
  if (start < 0) return false;
  const payload = line.slice(start).trim();
  if (payload === "[DONE]") return true;
  try {
    JSON.parse(payload);
    return true;
  } catch {
    return false;
  }
}

/** Whether a line that was perhaps cut could not have become one of an event stream. */
function isStrange(line: string): boolean {
  return !"data:".startsWith(line) && !isFramingLine(line);
}

function lineTooLong(): AppError {
  return new AppError("model_garbled", `A line of the answer exceeds ${lineCharsMax} characters.`);
}

function unfinished(hasData: boolean, isNoStream: boolean): AppError {
  if (hasData) return new AppError("model_unavailable", "The answer of the model was cut.");
  return isNoStream
    ? new AppError("model_garbled", "The model answered with something that is no event stream.")
    : new AppError("model_unavailable", "The model answered with nothing.");
}
