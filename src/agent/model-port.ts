/** The port to the language model, in words of a turn: messages and tools go in, pieces of the answer come out. */

export interface ModelMessage {
  role: "system" | "user" | "assistant" | "tool";
  content: string | null;
  /** Calls that this assistant message made. */
  toolCalls?: ModelToolCall[];
  /** The call that this tool message answers. */
  toolCallId?: string;
}

export interface ModelToolCall {
  id: string;
  name: string;
  /** As the model wrote it: whole, but not validated. It may fail to parse. */
  argumentsJson: string;
}

export interface ModelTool {
  name: string;
  description: string;
  /** JSON schema. */
  inputSchema: unknown;
}

export type ModelPiece =
  /**
   * One piece for each network chunk that carried text. `escaped` is the inside of a JSON string, without the quotes, so
   * that it can be spliced into a frame unparsed. Pieces may be concatenated: `JSON.parse('"' + all + '"')` is the text.
   */
  | { kind: "text"; escaped: string }
  /** A complete call; each is emitted once, in the order of the model, before the end. */
  | { kind: "tool-call"; call: ModelToolCall }
  /** The last piece of an answer that the model ended by itself; absent when the answer was cut. */
  | { kind: "end"; finishReason: ModelFinishReason; usage?: ModelUsage };

export type ModelFinishReason = "stop" | "length" | "tool-calls" | "content-filter" | "other";

export interface ModelUsage {
  inputTokens: number;
  outputTokens: number;
}

export interface ModelRequest {
  messages: readonly ModelMessage[];
  tools: readonly ModelTool[];
  signal: AbortSignal;
  /** Of the configured provider; the configured one without it. */
  modelName?: string;
  /** The answer is to be JSON of this JSON schema. Not every provider keeps to it. */
  answerSchema?: { readonly name: string; readonly schema: Readonly<Record<string, unknown>> };
}

export interface Model {
  /**
   * Sends one request, at the first `next()`, and never repeats it: a retry is the caller's decision, for it costs money.
   * Leaving the loop early closes the connection.
   *
   * @throws the reason of `signal` once it is aborted.
   * @throws model_unavailable (retry) when the provider fails, is silent for too long, or cuts the answer.
   * @throws model_rate_limited (retry) with `retryAfterMs` where the provider named a time.
   * @throws model_rejected (park) when the provider refuses the request.
   * @throws model_garbled (park) when the answer is not what the protocol says, or passes a limit.
   */
  stream(request: ModelRequest): AsyncIterable<ModelPiece>;
}
