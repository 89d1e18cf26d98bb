/** The stack's embeddings, and the Worker's client for any endpoint like it. */
import { afterAll, beforeAll, beforeEach, describe, expect, it } from "vitest";
import { limits } from "../../src/core/limits.ts";
import { openAiEmbedder, type OpenAiEmbedderOptions } from "../../src/model/openai-embedder.ts";
import { quantise, similarity } from "../../src/memory/vector.ts";
import { startStack, type RunningStack } from "../../stack/start-stack.ts";

let stack: RunningStack;
beforeAll(async () => {
  stack = await startStack();
});
afterAll(() => stack.close());
beforeEach(() => {
  stack.faults.clear();
  stack.model.reset();
});

const never = new AbortController().signal;

interface Over extends Pick<OpenAiEmbedderOptions, "onUsage"> {
  readonly apiKey?: string;
  readonly dimensions?: number;
  readonly fetch?: typeof fetch;
}

function embedder(o: Over = {}) {
  return openAiEmbedder({
    baseUrl: stack.modelBaseUrl,
    apiKey: o.apiKey ?? stack.modelApiKey,
    modelName: "trigrams",
    dimensions: o.dimensions,
    fetch: o.fetch ?? ((url, init) => fetch(url, init)),
    ...(o.onUsage === undefined ? {} : { onUsage: o.onUsage }),
  });
}

function post(body: unknown, path = "/embeddings"): Promise<Response> {
  return fetch(`${stack.modelBaseUrl}${path}`, {
    method: "POST",
    headers: { authorization: `Bearer ${stack.modelApiKey}`, "content-type": "application/json" },
    body: JSON.stringify(body),
  });
}

/** An endpoint that answers this, whatever it is asked. */
function answering(status: number, body: string, headers: Record<string, string> = {}) {
  return embedder({ fetch: async () => new Response(body, { status, headers }) });
}

describe("the stack's embeddings", () => {
  it("are the same each time, of length 1, and near for texts that share words or spelling", async () => {
    const texts = [
      "book a table for dinner",
      "booking dinner tables",
      "my dog is called Rex",
      "Book a table, for dinner!",
    ];
    const [a, b, c, d] = await embedder().embed(texts, never);
    expect(a).toHaveLength(512);
    expect(Math.hypot(...a!)).toBeCloseTo(1, 6);
    expect((await embedder().embed(texts, never))[0]).toEqual(a);
    const near = (x: number[] | undefined): number => similarity(quantise(a!), quantise(x!));
    expect(near(d)).toBeGreaterThan(0.99);
    expect(near(b)).toBeGreaterThan(0.3);
    expect(near(c)).toBeLessThan(0.2);
  });

  it("come in the asked length and form, with usage", async () => {
    const float = (await (await post({ model: "m", input: "hello", dimensions: 16 })).json()) as EmbeddingList;
    expect(float).toMatchObject({ object: "list", model: "m", usage: { prompt_tokens: 2, total_tokens: 2 } });
    const packed = (await (
      await post({ model: "m", input: ["hello"], dimensions: 16, encoding_format: "base64" })
    ).json()) as { data: [{ embedding: string }] };
    const bytes = Buffer.from(packed.data[0].embedding, "base64");
    const numbers = Array.from({ length: 16 }, (_, index) => bytes.readFloatLE(index * 4));
    const given = float.data[0]!.embedding;
    expect(numbers.every((value, index) => Math.abs(value - given[index]!) < 1e-6)).toBe(true);
  });

  it.each([
    ["no model", { input: "x" }, "model"],
    ["no input", { model: "m" }, "input"],
    ["an empty text", { model: "m", input: [""] }, "input"],
    ["an empty list", { model: "m", input: [] }, "input"],
    ["too long a text", { model: "m", input: "x".repeat(32_769) }, "input"],
    ["half a dimension", { model: "m", input: "x", dimensions: 1.5 }, "dimensions"],
    ["too many dimensions", { model: "m", input: "x", dimensions: 3_073 }, "dimensions"],
    ["another form", { model: "m", input: "x", encoding_format: "text" }, "encoding_format"],
    ["no object", [], "body"],
  ])("refuse %s and name the field", async (_case, body, param) => {
    const response = await post(body);
    expect(response.status).toBe(400);
    expect(await response.json()).toMatchObject({ error: { param } });
  });

  it("are counted, and refused without the key", async () => {
    stack.ledger.reset();
    await embedder().embed(["a", "b"], never);
    await embedder({ apiKey: "wrong" })
      .embed(["a"], never)
      .catch(() => undefined);
    expect(stack.ledger.read()).toMatchObject({ embeddingCalls: 1, embeddedTexts: 2, modelCalls: 0 });
    const { data } = (await (
      await fetch(`${stack.modelBaseUrl}/models`, { headers: { authorization: `Bearer ${stack.modelApiKey}` } })
    ).json()) as { data: { id: string }[] };
    expect(data.map(({ id }) => id)).toContain("skipstone-trigrams");
  });
});

interface EmbeddingList {
  readonly data: readonly { readonly embedding: readonly number[] }[];
}

describe("the embeddings client", () => {
  it("gives one vector for each text in their order, whatever the order of the answer", async () => {
    const body = JSON.stringify({
      data: [
        { index: 1, embedding: [0, 1] },
        { index: 0, embedding: [1, 0] },
      ],
    });
    expect(await answering(200, body).embed(["a", "b"], never)).toEqual([
      [1, 0],
      [0, 1],
    ]);
    expect(await embedder().embed([], never)).toEqual([]);
  });

  it.each([
    ["as the endpoint counts them", '{"data":[{"index":0,"embedding":[1]}],"usage":{"prompt_tokens":7}}', [7]],
    ["where the endpoint says nothing", '{"data":[{"index":0,"embedding":[1]}]}', []],
    ["where it says nonsense", '{"data":[{"index":0,"embedding":[1]}],"usage":{"prompt_tokens":-1}}', []],
  ])("tells of its tokens %s", async (_how, body, told) => {
    const tokens: number[] = [];
    const options = { onUsage: (count: number) => void tokens.push(count), fetch: async () => new Response(body) };
    await embedder(options).embed(["a"], never);
    expect(tokens).toEqual(told);
  });

  it("tells vectors of another length apart by the name of the model", () => {
    expect([embedder().model, embedder({ dimensions: 64 }).model]).toEqual(["trigrams", "trigrams/64"]);
  });

  it.each([
    ["no JSON", "<html>"],
    ["no list", '{"data":{}}'],
    ["too few", '{"data":[{"index":0,"embedding":[1]}]}'],
    ["one twice", '{"data":[{"index":0,"embedding":[1]},{"index":0,"embedding":[1]}]}'],
    ["an index far away", '{"data":[{"index":0,"embedding":[1]},{"index":4000000000,"embedding":[1]}]}'],
    ["lengths that differ", '{"data":[{"index":0,"embedding":[1]},{"index":1,"embedding":[1,2]}]}'],
    ["empty vectors", '{"data":[{"index":0,"embedding":[]},{"index":1,"embedding":[]}]}'],
    ["texts for numbers", '{"data":[{"index":0,"embedding":["1"]},{"index":1,"embedding":["2"]}]}'],
  ])("calls %s garbled", async (_case, body) => {
    await expect(answering(200, body).embed(["a", "b"], never)).rejects.toMatchObject({ code: "model_garbled" });
  });

  it("takes vectors up to the longest that are kept, and no longer", async () => {
    const of = (length: number): string =>
      JSON.stringify({ data: [{ index: 0, embedding: Array.from({ length }, () => 0.5) }] });
    const max = limits.embeddingDimensionsMax;
    expect((await answering(200, of(max)).embed(["a"], never))[0]).toHaveLength(max);
    await expect(answering(200, of(max + 1)).embed(["a"], never)).rejects.toThrow("EMBEDDING_DIMENSIONS");
  });

  it.each([
    [401, "model_rejected"],
    [400, "model_rejected"],
    [429, "model_rate_limited"],
    [500, "model_unavailable"],
  ])("sorts status %i as %s", async (status, code) => {
    await expect(answering(status, "no", { "retry-after": "3" }).embed(["a"], never)).rejects.toMatchObject({ code });
  });

  it("says of a refusal its type and code, and not what the endpoint repeats", async () => {
    const body = JSON.stringify({ error: { message: "sk-key and the text", type: "a_type", code: "a_code" } });
    await expect(answering(401, body).embed(["a"], never)).rejects.toMatchObject({
      message: "The embedding endpoint answered with status 401: a_type, a_code",
    });
  });

  it.each(["drop-before", "drop-after", "truncate"] as const)(
    "calls an answer that is lost by %s unavailable",
    async (action) => {
      stack.faults.add({ server: "model", match: "embeddings", action, truncateBytes: 40, count: 1 });
      await expect(embedder().embed(["a"], never)).rejects.toMatchObject({ code: "model_unavailable" });
    },
  );

  it("gives up an answer that is too long", async () => {
    const huge = "x".repeat(limits.embeddingAnswerBytesMax + 1);
    await expect(answering(200, huge).embed(["a"], never)).rejects.toMatchObject({ code: "model_unavailable" });
  });

  it("ends with its caller's reason", async () => {
    const left = new AbortController();
    left.abort(new Error("gone"));
    await expect(embedder().embed(["a"], left.signal)).rejects.toThrow("gone");
  });

  it("holds its key back from what it throws", async () => {
    const failure = await answering(500, "no").embed(["a"], never).catch(String);
    expect(failure).not.toContain(stack.modelApiKey);
  });
});
