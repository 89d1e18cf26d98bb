/**
 * A `Model` over the chat completions API that OpenAI, Workers AI, Groq, OpenRouter, vLLM, Ollama and others share.
 *
 * One request, one answer: no retry, no fallback. The work per network chunk is one read, one decode and a scan that parses
 * no JSON for a text delta; see `answer-decoder.ts`.
 */
import type { Model, ModelPiece, ModelRequest } from "../agent/model-port.ts";
import { AppError } from "../core/errors.ts";
import { createAnswerDecoder, type AnswerDecoder } from "./answer-decoder.ts";
import { failureOfAnswer } from "./model-failure.ts";
import { errorBodyBytesMax } from "./model-limits.ts";
import { startPatience } from "./patience.ts";
import { requestBody } from "./request-body.ts";
import { textUpTo } from "./text-up-to.ts";

export interface OpenAiModelOptions {
  /** Up to and including the version, such as `https://api.openai.com/v1`. */
  readonly baseUrl: string;
  readonly apiKey: string;
  readonly modelName: string;
  readonly fetch: (url: string, init: RequestInit) => Promise<Response>;
  /** From sending the request to the first byte of the answer's body. */
  readonly firstByteMsMax: number;
  /** Between two network chunks; a silence is noticed after this to twice this. */
  readonly idleMsMax: number;
}

export function openAiModel(options: OpenAiModelOptions): Model {
  return { stream: (request) => streamAnswer(options, request) };
}

async function* streamAnswer(
  options: OpenAiModelOptions,
  request: ModelRequest,
): AsyncGenerator<ModelPiece, void, undefined> {
  const line = openLine(options, request.signal);
  try {
    const reader = await line.open(requestBody(options.modelName, request));
    const decoder = createAnswerDecoder();
    while (!decoder.isEnded) {
      const bytes = await line.read(reader, decoder);
      const pieces = bytes === undefined ? decoder.finish() : decoder.push(bytes);
      for (const piece of pieces) yield piece;
      if (decoder.failure !== undefined) throw decoder.failure;
    }
  } finally {
    line.close();
  }
}

type Reader = ReadableStreamDefaultReader<Uint8Array>;

/** One connection to the provider, ended by whichever comes first: the answer, the caller's signal, or our patience. */
function openLine(options: OpenAiModelOptions, signal: AbortSignal) {
  const controller = new AbortController();
  let reader: Reader | undefined;
  let timedOut: AppError | undefined;

  const onAbort = (): void => hangUp(signal.reason);
  const patience = startPatience({
    firstByteMsMax: options.firstByteMsMax,
    idleMsMax: options.idleMsMax,
    giveUp(silentFor) {
      const limitMs = silentFor === "first-byte" ? options.firstByteMsMax : options.idleMsMax;
      timedOut = new AppError("model_unavailable", `The model was silent for ${limitMs} ms.`);
      hangUp(timedOut);
    },
  });
  signal.addEventListener("abort", onAbort);

  /** Cancelling the reader too ends a pending read where a `fetch` does not tie the body to its signal. */
  function hangUp(reason: unknown): void {
    controller.abort(reason);
    reader?.cancel(reason).catch(() => {});
  }

  function translate(thrown: unknown): unknown {
    if (signal.aborted) return signal.reason;
    if (timedOut !== undefined) return timedOut;
    if (thrown instanceof AppError) return thrown;
    return new AppError("model_unavailable", "The connection to the model failed.", {
      cause: thrown,
    });
  }

  return {
    async open(body: string): Promise<Reader> {
      try {
        signal.throwIfAborted();
        const response = await options.fetch(`${options.baseUrl.replace(/\/+$/, "")}/chat/completions`, {
          method: "POST",
          headers: {
            authorization: `Bearer ${options.apiKey}`,
            "content-type": "application/json",
            accept: "text/event-stream",
          },
          body,
          signal: controller.signal,
        });
        if (!response.ok) throw await failureOfResponse(response);
        if (response.body === null) {
          throw new AppError("model_unavailable", "The model answered with nothing.");
        }
        reader = response.body.getReader() as Reader;
        // It may have been aborted while the headers were on their way and the fetch ignored it.
        controller.signal.throwIfAborted();
        return reader;
      } catch (thrown) {
        throw translate(thrown);
      }
    },
    /** The next bytes; undefined at the end, and when the connection broke after the model had said that it was done. */
    async read(from: Reader, decoder: AnswerDecoder): Promise<Uint8Array | undefined> {
      try {
        patience.wait();
        const { value, done } = await from.read();
        if (signal.aborted || timedOut !== undefined) throw timedOut;
        if (done) return undefined;
        patience.renew();
        return value;
      } catch (thrown) {
        if (decoder.isWhole && !signal.aborted) return undefined;
        throw translate(thrown);
      }
    },
    close(): void {
      patience.stop();
      signal.removeEventListener("abort", onAbort);
      reader?.cancel().catch(() => {});
    },
  };
}

async function failureOfResponse(response: Response): Promise<AppError> {
  // The status says enough; a body that breaks off must not hide it.
  const { text } = await textUpTo(response, errorBodyBytesMax);
  return failureOfAnswer("The model", response, text);
}
