import { expect, test } from "vitest";
import { parseChatRequest } from "../../stack/model/chat-request.ts";
import { think } from "../../stack/model/think.ts";

const text = { type: "string" };
const tools = [
  tool("calculator", { expression: text }, ["expression"]),
  tool("current_time", { timeZone: text }, []),
  tool("remember", { key: text, value: text }, ["key", "value"]),
  tool("recall", { key: text }, []),
];

test.each([
  ["what is 2 + 2?", "calculator", { expression: "2 + 2" }],
  ["what time is it in Berlin?", "current_time", { timeZone: "Europe/Berlin" }],
  ["remember that my name is Ada", "remember", { key: "name", value: "Ada" }],
  ["what do you know about me?", "recall", {}],
  ['use the recall tool with {"key":"x"}', "recall", { key: "x" }],
])("%j calls %s", (asked, name, args) => {
  expect(callsOf({ tools, messages: [user(asked)] })).toEqual([{ name, args }]);
});

test("tools of other names and shapes are recognised by what they take", () => {
  const others = [
    tool("evaluate-math", { formula: text }, ["formula"]),
    tool("clock", { city: text }, ["city"]),
    tool("save_memory", { fact: text, importance: { type: "integer", minimum: 3 } }, ["fact", "importance"]),
  ];
  const asking = (asked: string): unknown => callsOf({ tools: others, messages: [user(asked)] })[0];
  expect(asking("what is 2 + 2?")).toEqual({ name: "evaluate-math", args: { formula: "2 + 2" } });
  expect(asking("what time is it in Tokyo?")).toEqual({ name: "clock", args: { city: "Tokyo" } });
  expect(asking("remember that tea is hot")).toEqual({
    name: "save_memory",
    args: { fact: "tea is hot", importance: 3 },
  });
});

test("a forced tool is called once even when nothing asks for it, and then the turn ends", () => {
  const forced = { tools, tool_choice: { type: "function", function: { name: "calculator" } } };
  expect(callsOf({ ...forced, messages: [user("hello")] })[0]?.name).toBe("calculator");
  expect(callsOf({ ...forced, messages: [user("hello"), ...called("calculator", "{}", '{"result":"1"}')] })).toEqual(
    [],
  );
});

test.each([
  [
    "calculator",
    '{"expression":"1/0"}',
    '{"error":"Division by zero has no result."}',
    "I tried the calculator tool, but it answered with an error: Division by zero has no result.",
  ],
  [
    "recall",
    '{"key":"name"}',
    '{"key":"name","isKnown":false}',
    'I know nothing about name yet. Tell me with "remember that name is …".',
  ],
  ["recall", "{}", '{"facts":[{"key":"name","value":"Ada"}]}', "This is what I was told: name is Ada."],
  ["recall", "{}", '{"facts":[]}', 'I was told nothing yet. Try "remember that my favourite colour is green".'],
  ["remember", '{"key":"name","value":"Ada"}', "{}", "I will remember it: name is Ada."],
  [
    "current_time",
    '{"timeZone":"Asia/Tokyo"}',
    '{"time":"14:05:00","weekday":"Sunday","date":"2026-11-22"}',
    "In Tokyo it is 14:05:00, Sunday, 2026-11-22.",
  ],
  ["send_mail", "{}", '"sent"', "The send_mail tool answered: sent."],
])("the result of %s %s is said in words", (name, args, result, sentence) => {
  expect(say({ tools, messages: [user("go"), ...called(name, args, result)] })).toBe(sentence);
});

test("a call is not repeated when its arguments come back in another order", () => {
  const messages = [user("remember that tea is hot"), ...called("remember", '{ "value": "hot", "key": "tea" }', "{}")];
  expect(callsOf({ tools, messages })).toEqual([]);
});

test("the conversation before is known", () => {
  const messages = [user("My cat is called Ada."), { role: "assistant", content: "Nice." }, user("What did I say?")];
  expect(say({ messages })).toBe('Before that you said: "My cat is called Ada.".');
});

test("a result that its caller has fenced is read like one that is not", () => {
  const result = '{"expression":"2 + 2","result":"4"}';
  const answerTo = (given: string): string =>
    say({ messages: [user("what is 2 + 2?"), ...called("calculator", '{"expression":"2 + 2"}', given)] });
  expect(answerTo(`<tool-output tool="calculator">\n${result}\n</tool-output>`)).toBe(answerTo(result));
  expect(answerTo(result)).toBe("2 + 2 = 4.");
});

test("a story has as many words as asked for, numbered chapters and an end", () => {
  const story = say({ messages: [user("Tell me a long story in 1000 words.")] });
  expect(story.split(/\s+/).length).toBeGreaterThan(1_000);
  const chapters = [...story.matchAll(/Chapter (\d+)\./g)].map((match) => Number(match[1]));
  expect(chapters).toEqual(chapters.map((_, index) => index + 1));
  expect(story.endsWith("The end.")).toBe(true);
});

test("json_schema yields JSON of the schema and json_object yields an object", () => {
  const schema = { type: "object", properties: { title: text }, required: ["title"], additionalProperties: false };
  const wrapped = { type: "json_schema", json_schema: { name: "t", schema } };
  expect(JSON.parse(say({ messages: [user("plan a dinner")], response_format: wrapped }))).toEqual({
    title: "plan a dinner",
  });
  expect(JSON.parse(say({ messages: [user("x")], response_format: { type: "json_object" } }))).toBeTypeOf("object");
});

test.each(["", "hello", "who are you?", "thanks", "bye", "asdf", "?", "what is 2 + 2?"])(
  "%j gets an answer without tools",
  (asked) => {
    expect(say({ messages: [user(asked)] })).not.toBe("");
  },
);

function user(content: string): object {
  return { role: "user", content };
}

function called(name: string, args: string, result: string): object[] {
  return [
    {
      role: "assistant",
      content: null,
      tool_calls: [{ id: "c1", type: "function", function: { name, arguments: args } }],
    },
    { role: "tool", tool_call_id: "c1", content: result },
  ];
}

function tool(name: string, properties: object, required: string[]): object {
  return {
    type: "function",
    function: { name, description: "", parameters: { type: "object", properties, required } },
  };
}

function callsOf(body: object): { name: string; args: unknown }[] {
  const reply = think(parseChatRequest({ model: "m", ...body }));
  return reply.calls.map(({ name, argumentsText }) => ({ name, args: JSON.parse(argumentsText) as unknown }));
}

function say(body: object): string {
  return think(parseChatRequest({ model: "m", ...body })).chunks.join("");
}
