/**
 * `POST /v1/embeddings`: vectors without a model, the same for the same text each time.
 *
 * A text becomes the bag of its words and of the character triples in them, each hashed to one place of the vector. So texts that share words, or words that are spelt
 * alike ("book", "booking"), point nearly the same way, and texts that share nothing stand at right angles. It knows no synonyms.
 * Source: the OpenAI API reference, "Create embeddings"; the hashing trick of Weinberger et al., 2009, with the sign of a second hash.
 */
import { badField } from "./api-error.ts";
import { isRecord } from "./chat-request.ts";

export interface EmbeddingRequest {
  model: string;
  texts: string[];
  dimensions: number;
  isBase64: boolean;
}

const DIMENSIONS_DEFAULT = 512;
const DIMENSIONS_MAX = 3_072;
const TEXTS_MAX = 2_048;
const TEXT_CHARS_MAX = 32_768;
/** A whole word says more than any triple of its letters. */
const WORD_WEIGHT = 2;

/** @throws ApiError 400 in the words of the real API, with `param`. */
export function parseEmbeddingRequest(body: unknown): EmbeddingRequest {
  if (!isRecord(body)) throw badField("body", "The request body must be a JSON object.");
  const { model, input, dimensions = DIMENSIONS_DEFAULT, encoding_format: format = "float" } = body;
  if (typeof model !== "string" || model === "") throw badField("model", "you must provide a model parameter");
  if (format !== "float" && format !== "base64") {
    throw badField("encoding_format", "encoding_format must be one of 'float' and 'base64'.");
  }
  const isDimension = typeof dimensions === "number" && Number.isInteger(dimensions);
  if (!isDimension || dimensions < 1 || dimensions > DIMENSIONS_MAX) {
    throw badField("dimensions", `dimensions must be a whole number from 1 to ${DIMENSIONS_MAX}.`);
  }
  return { model, texts: parseTexts(input), dimensions, isBase64: format === "base64" };
}

function parseTexts(input: unknown): string[] {
  const texts: unknown[] = Array.isArray(input) ? input : [input];
  if (texts.length === 0 || texts.length > TEXTS_MAX) {
    throw badField("input", `'$.input' is invalid: 1 to ${TEXTS_MAX} texts can be embedded at once.`);
  }
  return texts.map((text) => {
    if (typeof text !== "string" || text === "") throw badField("input", "'$.input' is invalid: texts are not empty.");
    if (text.length > TEXT_CHARS_MAX) throw badField("input", "This model's maximum context length is exceeded.");
    return text;
  });
}

export function embeddingDocument({ model, texts, dimensions, isBase64 }: EmbeddingRequest): object {
  const tokens = texts.reduce((sum, text) => sum + Math.ceil(text.length / 4), 0);
  return {
    object: "list",
    data: texts.map((text, index) => {
      const vector = embed(text, dimensions);
      return { object: "embedding", index, embedding: isBase64 ? toBase64(vector) : vector };
    }),
    model,
    usage: { prompt_tokens: tokens, total_tokens: tokens },
  };
}

/** Of length 1, as the real API's are; a text without a letter gives the first axis. */
function embed(text: string, dimensions: number): number[] {
  const vector = Array.from({ length: dimensions }, () => 0);
  const words =
    text
      .normalize("NFKC")
      .toLowerCase()
      .match(/[\p{L}\p{N}]+/gu) ?? [];
  for (const word of words) {
    add(vector, `=${word}`, WORD_WEIGHT);
    const padded = Array.from(`^${word}$`);
    for (let at = 0; at + 3 <= padded.length; at += 1) add(vector, padded.slice(at, at + 3).join(""), 1);
  }
  const length = Math.hypot(...vector);
  if (length === 0) vector[0] = 1;
  return length === 0 ? vector : vector.map((value) => value / length);
}

function add(vector: number[], feature: string, weight: number): void {
  const hash = fnv1a(feature);
  const place = hash % vector.length;
  vector[place]! += (fnv1a(`${feature}±`) & 1) === 0 ? weight : -weight;
}

function fnv1a(text: string): number {
  let hash = 0x811c9dc5;
  for (let index = 0; index < text.length; index += 1) hash = Math.imul(hash ^ text.charCodeAt(index), 0x01000193);
  return hash >>> 0;
}

function toBase64(vector: readonly number[]): string {
  return Buffer.from(Float32Array.from(vector).buffer).toString("base64");
}
