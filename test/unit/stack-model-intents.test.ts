import { expect, test } from "vitest";
import { placesIn } from "../../stack/model/city-zones.ts";
import { intentsOf } from "../../stack/model/intents.ts";

test.each([
  ["what is 12 * (3 + 4)?", ["12 * (3 + 4)"]],
  ["What's 15% of 80", ["15 / 100 * 80"]],
  ["the square root of 16, please", ["sqrt(16)"]],
  ["12 times 4 plus 3", ["12 * 4 + 3"]],
  ["1,000,000 / 4", ["1000000 / 4"]],
  ["2^10?", ["2^10"]],
  ["(see 3 + 4)", ["3 + 4"]],
  ["compute sqrt(2) * max(1, 2)", ["sqrt(2) * max(1, 2)"]],
])("arithmetic is found in %j", (text, expressions) => {
  expect(intentsOf(text)).toEqual(expressions.map((expression) => ({ kind: "calculate", expression })));
});

test.each([
  "tell me about 2026-11-22",
  "call me at 555-123-4567",
  "I have 3 apples - 2 of them red",
  "a-1 is a fine sauce",
  "How many minutes are in 3 days?",
  "write an essay in 3 - 5 sentences",
  "tell me a story about time in 100 words",
])("%j asks for no tool", (text) => {
  expect(intentsOf(text)).toEqual([]);
});

test.each([
  ["what time is it in Tokyo and New York?", ["Asia/Tokyo", "America/New_York"]],
  ["What's the time in São Paulo", ["America/Sao_Paulo"]],
  ["current time in Europe/Kyiv", ["Europe/Kyiv"]],
  ["what time is it?", ["UTC"]],
])("%j asks for the time in its zones", (text, zones) => {
  expect(intentsOf(text).map((intent) => (intent.kind === "time" ? intent.zone : intent.kind))).toEqual(zones);
});

test.each([
  ["Remember that my favourite colour is green.", "favourite colour", "green"],
  ["please remember: the wifi password = hunter2", "wifi password", "hunter2"],
  ["remember that my lucky number is 4 + 4", "lucky number", "4 + 4"],
])("%j is something to keep", (text, subject, fact) => {
  expect(intentsOf(text)).toEqual([{ kind: "remember", subject, fact }]);
});

test.each([
  ["what do you know about my favourite colour?", "favourite colour"],
  ["do you remember what my favourite colour is?", "favourite colour"],
  ["What is my name?", "name"],
])("%j asks for what was kept", (text, subject) => {
  expect(intentsOf(text)).toEqual([{ kind: "recall", subject }]);
});

test("places of one zone are named once, in the order of the text", () => {
  expect(placesIn("Paris, then Berlin, then Munich").map((found) => found.zone)).toEqual([
    "Europe/Paris",
    "Europe/Berlin",
  ]);
});

test("every zone in the list of cities is one that this runtime knows", () => {
  const cities = "Tokyo New York Kyiv Mexico City Buenos Aires Hong Kong Cape Town Kathmandu Honolulu Perth Bogota";
  for (const { zone } of placesIn(cities))
    expect(() => new Intl.DateTimeFormat("en", { timeZone: zone })).not.toThrow();
});
