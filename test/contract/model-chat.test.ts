import { afterAll, beforeAll, beforeEach, expect, test } from "vitest";
import { offeredTool, readStream, startModelServer, userMessage } from "./model-server.ts";
import type { ModelServer, ToolCallDelta } from "./model-server.ts";

let model: ModelServer;
beforeAll(async () => {
  model = await startModelServer();
});
afterAll(() => model.close());
beforeEach(() => {
  model.stack.model.reset();
  model.stack.faults.clear();
  model.stack.ledger.reset();
});

const calculator = offeredTool("calculator", { expression: { type: "string" } });

test("a streamed answer opens with the role, ends with a finish reason and [DONE], and joins to the answer that is not streamed", async () => {
  const messages = [userMessage("Hello!")];
  const whole = (await (await model.ask({ messages })).json()) as { choices: { message: { content: string } }[] };
  const response = await model.ask({ messages, stream: true });
  expect(response.headers.get("content-type")).toMatch(/^text\/event-stream/);
  const stream = await readStream(response);
  expect(stream.chunks[0]?.choices[0]?.delta).toMatchObject({ role: "assistant", content: "" });
  expect(stream.chunks.at(-1)?.choices[0]?.finish_reason).toBe("stop");
  expect(stream.chunks.slice(0, -1).every((chunk) => chunk.choices[0]?.finish_reason === null)).toBe(true);
  expect(new Set(stream.chunks.map((chunk) => chunk.id)).size).toBe(1);
  expect(stream.chunks.every((chunk) => chunk.object === "chat.completion.chunk")).toBe(true);
  expect(stream.isDone).toBe(true);
  expect(stream.text).toBe(whole.choices[0]?.message.content);
  expect(stream.text).toContain("Skipstone's offline demo model, not a language model");
});

test("include_usage adds one chunk without choices that carries the usage, and null to all others", async () => {
  const request = { messages: [userMessage("say one two")], stream: true, stream_options: { include_usage: true } };
  const { chunks } = await readStream(await model.ask(request));
  expect(chunks.at(-1)).toMatchObject({ choices: [], usage: { completion_tokens: 2 } });
  expect(chunks.slice(0, -1).every((chunk) => chunk.usage === null)).toBe(true);
});

test("without include_usage no chunk mentions usage", async () => {
  const { chunks } = await readStream(await model.ask({ messages: [userMessage("say one")], stream: true }));
  expect(chunks.some((chunk) => "usage" in chunk)).toBe(false);
});

test("streamed tool calls bring id and name first and their arguments in pieces", async () => {
  const request = { messages: [userMessage("what is 12 * (3 + 4)?")], tools: [calculator], stream: true };
  const { chunks } = await readStream(await model.ask(request));
  const deltas = chunks.flatMap((chunk) => chunk.choices[0]?.delta.tool_calls ?? []);
  expect(deltas[0]).toMatchObject({ index: 0, type: "function", function: { name: "calculator", arguments: "" } });
  expect(deltas[0]?.id).toMatch(/^call_/);
  expect(deltas.length).toBeGreaterThan(2);
  expect(JSON.parse(joinArguments(deltas, 0))).toEqual({ expression: "12 * (3 + 4)" });
  expect(chunks.at(-1)?.choices[0]?.finish_reason).toBe("tool_calls");
});

test("two intents are two calls at once, or one after the other when parallel calls are refused", async () => {
  const tools = [calculator, offeredTool("current_time", { timeZone: { type: "string" } })];
  const messages: object[] = [userMessage("what is 2 + 2 and what time is it in Tokyo?")];
  const both = await callsOf(await model.ask({ messages, tools }));
  expect(both.map((call) => call.function.name)).toEqual(["calculator", "current_time"]);

  const first = await callsOf(await model.ask({ messages, tools, parallel_tool_calls: false }));
  expect(first.map((call) => call.function.name)).toEqual(["calculator"]);
  messages.push({ role: "assistant", content: null, tool_calls: first });
  messages.push({ role: "tool", tool_call_id: first[0]?.id, content: '{"result":"4"}' });
  const second = await callsOf(await model.ask({ messages, tools, parallel_tool_calls: false }));
  expect(second[0]?.function).toEqual({ name: "current_time", arguments: '{"timeZone":"Asia/Tokyo"}' });
});

test("after a tool result the answer says it in a sentence", async () => {
  const messages: object[] = [userMessage("what is 2 + 2?")];
  const calls = await callsOf(await model.ask({ messages, tools: [calculator] }));
  messages.push({ role: "assistant", content: null, tool_calls: calls });
  messages.push({ role: "tool", tool_call_id: calls[0]?.id, content: '{"expression":"2 + 2","result":"4"}' });
  const stream = await readStream(await model.ask({ messages, tools: [calculator], stream: true }));
  expect(stream.text).toBe("2 + 2 = 4.");
});

test("a tool that is not offered is never called", async () => {
  const body = (await (await model.ask({ messages: [userMessage("what is 2 + 2?")] })).json()) as Completion;
  expect(body.choices[0]?.message.tool_calls).toBeUndefined();
  const refused = await model.ask({
    messages: [userMessage("what is 2 + 2?")],
    tools: [calculator],
    tool_choice: "none",
  });
  expect(((await refused.json()) as Completion).choices[0]?.message.tool_calls).toBeUndefined();
});

test("max_tokens ends the answer with the reason length", async () => {
  const { text, chunks } = await readStream(
    await model.ask({ messages: [userMessage("count to 50")], stream: true, max_tokens: 3 }),
  );
  expect(text).toBe("1, 2, 3,");
  expect(chunks.at(-1)?.choices[0]?.finish_reason).toBe("length");
});

test("a wrong key and a missing one are 401 in the error shape of the API", async () => {
  const wrong = await model.ask({ messages: [userMessage("hi")] }, { key: "nonsense" });
  expect(wrong.status).toBe(401);
  expect(await wrong.json()).toMatchObject({ error: { type: "invalid_request_error", code: "invalid_api_key" } });
  const missing = await fetch(`${model.stack.modelBaseUrl}/models`);
  expect(missing.status).toBe(401);
  await missing.text();
});

test.each([
  ["no messages", {}, "messages"],
  ["an unknown role", { messages: [{ role: "robot", content: "x" }] }, "messages.[0].role"],
  ["null content", { messages: [{ role: "user", content: null }] }, "messages.[0].content"],
  [
    "an orphaned tool result",
    { messages: [userMessage("x"), { role: "tool", tool_call_id: "a", content: "1" }] },
    "messages.[1].role",
  ],
  [
    "an unanswered tool call",
    {
      messages: [
        userMessage("x"),
        {
          role: "assistant",
          content: null,
          tool_calls: [{ id: "a", type: "function", function: { name: "f", arguments: "{}" } }],
        },
        userMessage("y"),
      ],
    },
    "messages.[2].role",
  ],
  ["an empty list of tools", { messages: [userMessage("x")], tools: [] }, "tools"],
  [
    "a tool choice that is not offered",
    { messages: [userMessage("x")], tool_choice: { type: "function", function: { name: "f" } } },
    "tool_choice",
  ],
])("%s is 400 and names the field", async (_name, body, param) => {
  const response = await model.ask(body);
  expect(response.status).toBe(400);
  expect(await response.json()).toMatchObject({ error: { type: "invalid_request_error", param } });
  expect(model.stack.ledger.read().modelCalls).toBe(0);
});

test("a body that is no JSON is 400, an unknown path 404, a wrong method 405", async () => {
  const headers = { authorization: `Bearer ${model.stack.modelApiKey}` };
  const at = async (path: string, init: RequestInit): Promise<number> => {
    const response = await fetch(`${model.stack.modelBaseUrl}${path}`, { headers, ...init });
    expect(await response.json()).toHaveProperty("error.message");
    return response.status;
  };
  expect(await at("/chat/completions", { method: "POST", body: "{" })).toBe(400);
  expect(await at("/images", { method: "POST", body: "{}" })).toBe(404);
  expect(await at("/chat/completions", { method: "GET" })).toBe(405);
});

test("the list of models names the offline models", async () => {
  const headers = { authorization: `Bearer ${model.stack.modelApiKey}` };
  const response = await fetch(`${model.stack.modelBaseUrl}/models`, { headers });
  expect(await response.json()).toMatchObject({
    object: "list",
    data: [{ id: "skipstone-offline", object: "model" }, { id: "skipstone-trigrams" }],
  });
});

test("each answered call is one model call in the ledger", async () => {
  await (await model.ask({ messages: [userMessage("hi")] })).text();
  await readStream(await model.ask({ messages: [userMessage("hi")], stream: true }));
  expect(model.stack.ledger.read().modelCalls).toBe(2);
});

interface Completion {
  choices: { message: { tool_calls?: { id: string; function: { name: string; arguments: string } }[] } }[];
}

async function callsOf(response: Response): Promise<{ id: string; function: { name: string; arguments: string } }[]> {
  return ((await response.json()) as Completion).choices[0]?.message.tool_calls ?? [];
}

function joinArguments(deltas: ToolCallDelta[], index: number): string {
  return deltas
    .filter((delta) => delta.index === index)
    .map((delta) => delta.function.arguments ?? "")
    .join("");
}
