/** Turns an answer, or what a test ordered instead of it, into what goes over the wire and when. */
import { ApiError } from "./api-error.ts";
import type { Behaviour } from "./behaviour.ts";
import type { ChatRequest } from "./chat-request.ts";
import { completionDocument, completionHead, streamLines } from "./completion.ts";
import { limitReply, textReply, toolReply } from "./reply.ts";
import type { Reply } from "./reply.ts";

/** A response as a plan: written piece by piece by `playResponse`. */
export interface ResponsePlan {
  status: number;
  headers: Record<string, string>;
  pieces: string[];
  /** Wait before each piece but the first. */
  msPerPiece: number;
  /** Whose time the wait is: the machine's, or that of the stack's clock, which a test may freeze. */
  pace: "real" | "clock";
  /** What happens after the last piece: a proper end, silence, or a destroyed socket. */
  ending: "end" | "hang" | "cut";
}

/** Up to this many words an answer is short: quick to read and quick to test. A longer one shows that it is streamed. */
const SHORT_ANSWER_CHUNKS_MAX = 80;
const SHORT_ANSWER_MS_PER_CHUNK = 5;
const LONG_ANSWER_MS_PER_CHUNK = 25;

const DEFAULT_SCRIPT_TEXT =
  "This is a scripted answer of the offline model, long enough to be cut or stalled in the middle.";
const TINY_CHUNKS_DEFAULT = 300;

/**
 * @param think computes the model's own reply; called only when the behaviour leaves the words to it.
 * @throws ApiError for behaviours that are refusals.
 */
export function planAnswer(o: {
  request: ChatRequest;
  bodyText: string;
  number: number;
  nowMs: number;
  behaviour: Behaviour | undefined;
  think(): Reply;
}): ResponsePlan {
  const { request, behaviour } = o;
  if (behaviour !== undefined) refuseByOrder(behaviour);
  const reply = limitReply(orderedReply(behaviour, request.isStreamed) ?? o.think(), request);
  const head = completionHead({ ...o, model: request.model, callCount: reply.calls.length });
  const pieces = request.isStreamed
    ? streamLines(request, reply, head)
    : [`${JSON.stringify(completionDocument(request, reply, head))}\n`];
  const own: ResponsePlan = {
    status: 200,
    headers: {
      "content-type": request.isStreamed ? "text/event-stream; charset=utf-8" : "application/json",
      "cache-control": "no-cache",
      "x-request-id": head.id.replace("chatcmpl-", "req_"),
    },
    pieces,
    msPerPiece: reply.chunks.length > SHORT_ANSWER_CHUNKS_MAX ? LONG_ANSWER_MS_PER_CHUNK : SHORT_ANSWER_MS_PER_CHUNK,
    pace: "real",
    ending: "end",
  };
  return behaviour === undefined ? own : spoil(own, behaviour, request.isStreamed);
}

/** The words or calls that the behaviour orders; undefined where the model shall answer by itself. */
function orderedReply(behaviour: Behaviour | undefined, isStreamed: boolean): Reply | undefined {
  switch (behaviour?.kind) {
    case undefined:
    case "slow":
      return behaviour?.text === undefined ? undefined : textReply(behaviour.text);
    case "tool-calls":
      return toolReply(
        (behaviour.calls ?? []).map(({ name, arguments: args }) => ({
          name,
          argumentsText: typeof args === "string" ? args : JSON.stringify(args ?? {}),
        })),
      );
    case "tiny-chunks":
      return { ...textReply(""), chunks: tinyChunks(behaviour.count ?? TINY_CHUNKS_DEFAULT) };
    default: {
      const text = behaviour?.text ?? DEFAULT_SCRIPT_TEXT;
      const chunks = isStreamed ? behaviour?.chunks : undefined;
      return chunks === undefined ? textReply(behaviour?.chunks?.join("") ?? text) : { ...textReply(""), chunks };
    }
  }
}

function refuseByOrder(behaviour: Behaviour): void {
  if (behaviour.kind === "rate-limited") {
    throw new ApiError(429, behaviour.text ?? "Rate limit reached for this model. Please try again later.", {
      type: "requests",
      code: "rate_limit_exceeded",
      headers: { "retry-after": String(behaviour.retryAfterSeconds ?? 1) },
    });
  }
  if (behaviour.kind === "server-error") {
    const message = behaviour.text ?? "The server had an error while processing your request. Sorry about that!";
    throw new ApiError(behaviour.status ?? 500, message, { type: "server_error" });
  }
}

function spoil(own: ResponsePlan, behaviour: Behaviour, isStreamed: boolean): ResponsePlan {
  // Without an order for the pace, an ordered answer goes out at once: tests wait for nothing that they did not ask for.
  const plan: ResponsePlan = { ...own, msPerPiece: behaviour.msPerChunk ?? 0, pace: "clock" };
  // The first line of a stream opens the message, so n content chunks are n + 1 lines.
  const lines = isStreamed ? (behaviour.afterChunks ?? 1) + 1 : 0;
  const next = own.pieces[lines] ?? "";
  switch (behaviour.kind) {
    case "slow":
      return { ...plan, msPerPiece: behaviour.msPerChunk ?? 100 };
    case "stall":
      return { ...plan, pieces: own.pieces.slice(0, lines), ending: "hang" };
    case "cut":
      return {
        ...plan,
        pieces: [...own.pieces.slice(0, lines), next.slice(0, Math.ceil(next.length / 2))],
        ending: "cut",
      };
    case "half":
      return { ...plan, pieces: isStreamed ? own.pieces.slice(0, lines) : [next.slice(0, Math.ceil(next.length / 2))] };
    case "garbage":
      return { ...plan, pieces: ["\u0000<html>data: {not json}\n\n", 'data: {"choices": [{"delta": \n\n', "%%%"] };
    case "empty":
      return { ...plan, pieces: [] };
    default:
      return plan;
  }
}

function tinyChunks(count: number): string[] {
  return Array.from({ length: count }, (_, index) => (index % 6 === 5 ? ". " : ("abcde"[index % 6] ?? "a")));
}
