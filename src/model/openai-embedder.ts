/** An `Embedder` over the embeddings API that OpenAI and others share: `POST /embeddings` with `{model, input}`. One request, one answer, no retry. */
import * as z from "zod/mini";
import { AppError } from "../core/errors.ts";
import { limits } from "../core/limits.ts";
import { invariant } from "../core/ports.ts";
import { parseJson } from "../core/json.ts";
import type { Embedder } from "../memory/embedder.ts";
import { failureOfAnswer } from "./model-failure.ts";
import { errorBodyBytesMax } from "./model-limits.ts";
import { textUpTo } from "./text-up-to.ts";

export interface OpenAiEmbedderOptions {
  /** Up to and including the version, without a slash at the end. */
  readonly baseUrl: string;
  readonly apiKey: string;
  readonly modelName: string;
  /** Sent where it is given: some models shorten their vectors on request. */
  readonly dimensions: number | undefined;
  readonly fetch: (url: string, init: RequestInit) => Promise<Response>;
  /** Told of the tokens of each answer, by the provider's own word; one that does not say is not counted. */
  readonly onUsage?: (tokens: number) => void;
}

const Answer = z.object({
  data: z.array(z.object({ index: z.int(), embedding: z.array(z.number()) })),
  usage: z.optional(z.unknown()),
});
const Usage = z.object({ prompt_tokens: z.int().check(z.gte(0)) });

export function openAiEmbedder(options: OpenAiEmbedderOptions): Embedder {
  return {
    model: embeddingModel(options),
    async embed(texts, signal) {
      invariant(texts.length <= limits.embeddingBatchMax, "a request embeds at most embeddingBatchMax texts");
      if (texts.length === 0) return [];
      const answer = readAnswer(await ask(options, texts, signal));
      const usage = z.safeParse(Usage, answer.usage);
      // Whatever else is wrong with the answer, it is paid for.
      if (usage.success) options.onUsage?.(usage.data.prompt_tokens);
      return readVectors(answer, texts.length);
    },
  };
}

/** The same model at another length gives vectors that cannot be compared. */
function embeddingModel({ modelName, dimensions }: Pick<OpenAiEmbedderOptions, "modelName" | "dimensions">) {
  return dimensions === undefined ? modelName : `${modelName}/${dimensions}`;
}

async function ask(options: OpenAiEmbedderOptions, input: readonly string[], signal: AbortSignal): Promise<string> {
  const { modelName: model, dimensions } = options;
  const body = { model, input, encoding_format: "float", ...(dimensions === undefined ? {} : { dimensions }) };
  const patience = AbortSignal.timeout(limits.embeddingMsMax);
  let response: Response;
  try {
    response = await options.fetch(`${options.baseUrl}/embeddings`, {
      method: "POST",
      headers: { authorization: `Bearer ${options.apiKey}`, "content-type": "application/json" },
      body: JSON.stringify(body),
      signal: AbortSignal.any([signal, patience]),
    });
  } catch (cause) {
    signal.throwIfAborted();
    throw new AppError("model_unavailable", "The embedding endpoint did not answer.", { cause });
  }
  const { text, isWhole } = await textUpTo(response, response.ok ? limits.embeddingAnswerBytesMax : errorBodyBytesMax);
  signal.throwIfAborted();
  if (!response.ok) throw failureOfAnswer("The embedding endpoint", response, text);
  if (!isWhole) throw new AppError("model_unavailable", "The answer of the embedding endpoint is cut off or too long.");
  return text;
}

/** @throws model_garbled (park) for what is no list of vectors. */
function readAnswer(text: string): z.infer<typeof Answer> {
  const answer = z.safeParse(Answer, parseJson(text));
  if (!answer.success) throw garbled("no list of vectors");
  return answer.data;
}

/** @throws model_garbled (park) for anything but one vector for each text, all of one length. */
function readVectors({ data }: z.infer<typeof Answer>, count: number): number[][] {
  const vectors: number[][] = [];
  for (const { index, embedding } of data) vectors[index] = embedding;
  const length = vectors[0]?.length ?? 0;
  const isComplete = vectors.length === count && Array.from(vectors).every((vector) => vector?.length === length);
  if (!isComplete || length === 0) throw garbled("not one vector for each text");
  if (length > limits.embeddingDimensionsMax) {
    throw garbled(`${length} dimensions, of ${limits.embeddingDimensionsMax} allowed: set EMBEDDING_DIMENSIONS`);
  }
  return vectors;
}

function garbled(what: string): AppError {
  return new AppError("model_garbled", `The embedding endpoint answered ${what}.`);
}
