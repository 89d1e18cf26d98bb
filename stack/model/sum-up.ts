/** What came of a plan, in sentences. */
import { isRecord, type ChatRequest } from "./chat-request.ts";
import { fenceIn, jsonFenceIn } from "./fences.ts";
import { sayResults } from "./say-results.ts";

interface Result {
  id: string;
  tool: string;
  status: string;
  output?: unknown;
  errorText?: string;
}

/** The summary as JSON text; `undefined` for a request that asks for none. */
export function summaryText(request: ChatRequest): string | undefined {
  const results = jsonFenceIn(request.messages, "results");
  if (fenceIn(request.messages, "goal") === undefined || !asksForSummary(request.jsonSchema)) return undefined;
  const sentences = Array.isArray(results) ? (results as Result[]).map((result) => sentence(result, request)) : [];
  const stopped = /The run stopped at its limit in (\w+)/.exec(request.messages[0]?.text ?? "")?.[1];
  if (stopped !== undefined) sentences.push(`I stopped at the limit in ${stopped}.`);
  return JSON.stringify({ summary: sentences.join(" ") || "There was nothing to do.", remember: [] });
}

function asksForSummary(schema: unknown): boolean {
  return isRecord(schema) && isRecord(schema["properties"]) && "summary" in schema["properties"];
}

function sentence({ id, tool, status, output, errorText = "" }: Result, request: ChatRequest): string {
  if (status !== "done") return `"${id}" was not done: ${errorText}`;
  return sayDinner(output) ?? sayResults([{ name: tool, argumentsText: given(id, request), resultText: json(output) }]);
}

function sayDinner(output: unknown): string | undefined {
  if (!isRecord(output)) return undefined;
  const { offers, reservationId, chargeId, sent } = output;
  if (Array.isArray(offers)) {
    const best: unknown = offers[0];
    return isRecord(best) ? `I found ${String(best["name"])}.` : "I found no restaurant with a free table.";
  }
  if (typeof reservationId === "string") return `The table is reserved (${reservationId}).`;
  if (typeof chargeId === "string") return `The deposit is paid (${chargeId}).`;
  return sent === undefined ? undefined : "The restaurant has sent the confirmation.";
}

/** The parameters as the plan has them. */
function given(id: string, { messages }: ChatRequest): string {
  const plan = jsonFenceIn(messages, "plan");
  const steps = isRecord(plan) && Array.isArray(plan["steps"]) ? plan["steps"] : [];
  const step = steps.filter(isRecord).find((other) => other["id"] === id);
  return json(step?.["parameters"] ?? {});
}

function json(value: unknown): string {
  return JSON.stringify(value) ?? "null";
}
