/**
 * A plan for an agent's goal, by a few rules: a dinner is searched, reserved, paid for and confirmed; else each thing that the goal asks for is one call of a tool that
 * serves it. Only tools that the prompt lists are planned with.
 */
import { isRecord, type ChatMessage, type ChatRequest, type OfferedTool } from "./chat-request.ts";
import { callFor } from "./choose-tools.ts";
import { dinnerWishIn } from "./dinner-wish.ts";
import { fenceIn, jsonFenceIn } from "./fences.ts";
import { intentsOf } from "./intents.ts";

interface Step {
  id: string;
  tool: string;
  parameters: Record<string, unknown>;
  dependsOn: string[];
  why: string;
}

interface Earlier {
  id: string;
  tool: string;
  status: string;
}

/** The plan as JSON text; `undefined` for a request that asks for none. */
export function planText(request: ChatRequest): string | undefined {
  const goal = fenceIn(request.messages, "goal");
  const tools = listedTools(request.messages);
  if (goal === undefined || tools === undefined || !asksForSteps(request.jsonSchema)) return undefined;
  const earlier = earlierIn(request.messages);
  const steps = dinnerSteps(goal, request, { tools, earlier }) ?? singleCalls(goal, request, { tools, earlier });
  return JSON.stringify({ steps });
}

interface Known {
  tools: OfferedTool[];
  earlier: Earlier[];
}

function asksForSteps(schema: unknown): boolean {
  return isRecord(schema) && isRecord(schema["properties"]) && "steps" in schema["properties"];
}

function dinnerSteps(goal: string, { messages }: ChatRequest, { tools, earlier }: Known): Step[] | undefined {
  const wish = dinnerWishIn(goal, nowIn(messages));
  const search = named(tools, /restaurant.*(?:search|find)|(?:search|find).*restaurant/i);
  const reserve = named(tools, /reserve|book_table/i);
  if (wish === undefined || search === undefined || reserve === undefined) return undefined;
  const found = earlier.findLast(({ tool, status }) => tool === search.name && status === "done");
  // What could not be reserved is tried at the next place.
  const place = earlier.filter(({ tool, status }) => tool === reserve.name && status !== "done").length;
  const searchId = found?.id ?? freeId("search", earlier);
  const offer = (field: string): object => ({ $from: searchId, path: `offers.${place}.${field}` });
  const reserveId = freeId("reserve", earlier);
  const steps: Step[] = [];
  if (found === undefined) {
    steps.push({ id: searchId, tool: search.name, parameters: { ...wish }, dependsOn: [], why: "Find a free table." });
  }
  steps.push({
    id: reserveId,
    tool: reserve.name,
    parameters: { ...wish, restaurantId: offer("restaurantId"), guest: guestIn(goal) },
    dependsOn: [searchId],
    why: "Keep the table.",
  });
  const reservationId = { $from: reserveId, path: "reservationId" };
  const charge = named(tools, /deposit|charge/i);
  const chargeId = freeId("deposit", earlier);
  if (charge !== undefined) {
    const parameters = { reservationId, amountCents: offer("depositCents") };
    const why = "The restaurant asks for a deposit.";
    steps.push({ id: chargeId, tool: charge.name, parameters, dependsOn: [searchId, reserveId], why });
  }
  const notify = named(tools, /notify|confirm/i);
  if (notify !== undefined) {
    const dependsOn = charge === undefined ? [reserveId] : [reserveId, chargeId];
    const parameters = { reservationId, kind: "confirmation" };
    steps.push({ id: freeId("confirm", earlier), tool: notify.name, parameters, dependsOn, why: "Tell the guest." });
  }
  return steps;
}

function singleCalls(goal: string, request: ChatRequest, { tools, earlier }: Known): Step[] {
  const offering: ChatRequest = { ...request, tools, toolChoice: "auto" };
  const calls = intentsOf(goal).map((intent) => callFor(intent, offering));
  return calls
    .filter((call) => call !== undefined)
    .map(({ name, argumentsText }, index) => ({
      id: freeId(`step-${index + 1}`, earlier),
      tool: name,
      parameters: JSON.parse(argumentsText) as Record<string, unknown>,
      dependsOn: [],
      why: "The goal asks for it.",
    }));
}

function named(tools: readonly OfferedTool[], pattern: RegExp): OfferedTool | undefined {
  return tools.find(({ name }) => pattern.test(name));
}

function freeId(wanted: string, earlier: readonly Earlier[]): string {
  const taken = earlier.filter(({ id }) => id === wanted || id.startsWith(`${wanted}-again`)).length;
  return taken === 0 ? wanted : `${wanted}-again${taken}`;
}

function guestIn(goal: string): string {
  return /\b(?:under|in the name of|name is|for)\s+([A-Z][\p{L}-]+)/u.exec(goal)?.[1] ?? "Guest";
}

function nowIn(messages: readonly ChatMessage[]): number {
  const said = messages.map(({ text }) => /Now it is (\S+Z)/.exec(text)?.[1]).find((time) => time !== undefined);
  return Date.parse(said ?? "2026-01-01T12:00:00Z");
}

function listedTools(messages: readonly ChatMessage[]): OfferedTool[] | undefined {
  const listed = jsonFenceIn(messages, "tools");
  if (!Array.isArray(listed)) return undefined;
  return listed.filter(isRecord).map(({ name, description, inputSchema }) => ({
    name: String(name),
    description: typeof description === "string" ? description : "",
    parameters: isRecord(inputSchema) ? inputSchema : {},
  }));
}

function earlierIn(messages: readonly ChatMessage[]): Earlier[] {
  const results = jsonFenceIn(messages, "results-so-far");
  return Array.isArray(results) ? (results as Earlier[]) : [];
}
