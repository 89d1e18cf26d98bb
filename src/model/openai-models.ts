/** The models of a provider: `GET /models` of the OpenAI API. One request, one answer, no retry. */
import * as z from "zod/mini";
import { AppError } from "../core/errors.ts";
import { limits } from "../core/limits.ts";
import { failureOfAnswer } from "./model-failure.ts";
import { errorBodyBytesMax } from "./model-limits.ts";
import { textUpTo } from "./text-up-to.ts";

export interface OpenAiModelsOptions {
  /** Up to and including the version, without a slash at the end. */
  readonly baseUrl: string;
  readonly apiKey: string;
  readonly fetch: (url: string, init: RequestInit) => Promise<Response>;
}

const Answer = z.object({ data: z.array(z.object({ id: z.string().check(z.minLength(1), z.maxLength(128)) })) });

/**
 * Their names, sorted; of very many the first.
 * @throws model_unavailable, model_rate_limited (retry), model_rejected, model_garbled (park)
 */
export async function listModels({ baseUrl, apiKey, fetch }: OpenAiModelsOptions): Promise<string[]> {
  let response: Response;
  try {
    response = await fetch(`${baseUrl}/models`, {
      headers: { authorization: `Bearer ${apiKey}` },
      signal: AbortSignal.timeout(limits.modelListMsMax),
    });
  } catch (cause) {
    throw new AppError("model_unavailable", "The provider did not answer with its models.", { cause });
  }
  const { text, isWhole } = await textUpTo(response, response.ok ? limits.modelListBytesMax : errorBodyBytesMax);
  if (!response.ok) throw failureOfAnswer("The provider, asked for its models,", response, text);
  if (!isWhole) throw new AppError("model_unavailable", "The provider's list of models is cut off or too long.");
  const names = readNames(text);
  return [...new Set(names)].toSorted().slice(0, limits.modelsListedMax);
}

function readNames(text: string): string[] {
  try {
    return Answer.parse(JSON.parse(text)).data.map(({ id }) => id);
  } catch (cause) {
    throw new AppError("model_garbled", "The provider answered no list of models.", { cause });
  }
}
