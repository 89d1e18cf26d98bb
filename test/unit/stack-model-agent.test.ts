/** The offline model plans and sums up for agents, by the prompts that they send. */
import { describe, expect, it } from "vitest";
import { parseChatRequest } from "../../stack/model/chat-request.ts";
import { think } from "../../stack/model/think.ts";

const text = { type: "string" };
const dinnerTools = ["restaurant_search", "restaurant_reserve", "restaurant_charge_deposit", "restaurant_notify"].map(
  (name) => ({ name, description: "", inputSchema: { type: "object" } }),
);
const calculator = {
  name: "calculator",
  description: "Evaluates",
  inputSchema: { type: "object", properties: { expression: text } },
};

function ask(schemaOf: string, messages: readonly string[]): Record<string, unknown> {
  const request = parseChatRequest({
    model: "any",
    messages: messages.map((content, index) => ({ role: index === 0 ? "system" : "user", content })),
    response_format: {
      type: "json_schema",
      json_schema: { name: schemaOf, schema: { type: "object", properties: { [schemaOf]: text } } },
    },
  });
  return JSON.parse(think(request).chunks.join("")) as Record<string, unknown>;
}

function plan(goal: string, tools: readonly object[], results?: readonly object[]) {
  const system = `<tools>\n${JSON.stringify(tools)}\n</tools>\nNow it is 2026-11-25T10:00:00.000Z.`;
  const sofar = results === undefined ? [] : [`<results-so-far>\n${JSON.stringify(results)}\n</results-so-far>`];
  const { steps } = ask("steps", [system, `<goal>\n${goal}\n</goal>`, ...sofar]);
  return steps as { id: string; tool: string; parameters: Record<string, unknown>; dependsOn: string[] }[];
}

describe("a plan of the offline model", () => {
  it("books a dinner: searched, reserved, paid for, confirmed", () => {
    const steps = plan("plan and execute a dinner reservation for four tomorrow", dinnerTools);
    expect(steps.map(({ tool }) => tool)).toEqual(dinnerTools.map(({ name }) => name));
    expect(steps[0]!.parameters).toEqual({ city: "Berlin", partySize: 4, at: "2026-11-26T19:00:00Z" });
    expect(steps[1]).toMatchObject({
      parameters: { partySize: 4, restaurantId: { $from: "search", path: "offers.0.restaurantId" } },
      dependsOn: ["search"],
    });
    expect(steps[2]!.parameters).toMatchObject({ reservationId: { $from: "reserve", path: "reservationId" } });
  });

  it.each([
    ["a table in Lisbon for 12 at 8pm", { city: "Lisbon", partySize: 12, at: "2026-11-26T20:00:00Z" }],
    ["lunch tonight at 18:30 for two", { city: "Berlin", partySize: 2, at: "2026-11-25T18:30:00Z" }],
    ["a dinner", { city: "Berlin", partySize: 2, at: "2026-11-26T19:00:00Z" }],
  ])("takes from %j where, when and for how many", (goal, wish) => {
    expect(plan(goal, dinnerTools)[0]!.parameters).toEqual(wish);
  });

  it("goes to the next place when a table could not be had, and does not search again", () => {
    const steps = plan("a dinner for four", dinnerTools, [
      { id: "search", tool: "restaurant_search", status: "done" },
      { id: "reserve", tool: "restaurant_reserve", status: "failed" },
    ]);
    expect(steps[0]).toMatchObject({
      id: "reserve-again1",
      parameters: { restaurantId: { $from: "search", path: "offers.1.restaurantId" } },
    });
  });

  it("has one step for each thing that the goal asks for", () => {
    expect(plan("what is 6 * 7, and 1 + 1?", [calculator])).toMatchObject([
      { id: "step-1", tool: "calculator", parameters: { expression: "6 * 7" } },
      { id: "step-2", tool: "calculator", parameters: { expression: "1 + 1" } },
    ]);
  });

  it("uses no tool that is not listed", () => {
    expect(plan("a dinner for four, and 1 + 1", [calculator]).map(({ tool }) => tool)).toEqual(["calculator"]);
    expect(plan("a dinner for four", [])).toEqual([]);
  });
});

describe("a summary of the offline model", () => {
  const sumUp = (results: readonly object[], limit = "") => {
    const parts = `<goal>\ndinner\n</goal>\n<plan>\n{"steps":[{"id":"a","parameters":{"expression":"6 * 7"}}]}\n</plan>\n<results>\n${JSON.stringify(results)}\n</results>`;
    return ask("summary", [`You tell.${limit}`, parts])["summary"];
  };

  it("says what was done, and what was not and why", () => {
    expect(
      sumUp([
        { id: "search", tool: "restaurant_search", status: "done", output: { offers: [{ name: "Il Forno" }] } },
        { id: "reserve", tool: "restaurant_reserve", status: "done", output: { reservationId: "rsv_1" } },
        { id: "deposit", tool: "restaurant_charge_deposit", status: "denied", errorText: "The user said no." },
        { id: "a", tool: "calculator", status: "done", output: { result: "42" } },
      ]),
    ).toBe('I found Il Forno. The table is reserved (rsv_1). "deposit" was not done: The user said no. 6 * 7 = 42.');
  });

  it("says at which limit the run stopped", () => {
    expect(sumUp([], " The run stopped at its limit in steps; say so.")).toBe("I stopped at the limit in steps.");
  });
});
