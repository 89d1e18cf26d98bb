/**
 * Finds, among the tools that a request offers, the one that serves an intent, and fills its arguments by its schema.
 *
 * A tool is recognised by its name, description and property names, never by one fixed name; a tool that is not offered is
 * never called.
 */
import { isRecord } from "./chat-request.ts";
import type { ChatRequest, OfferedTool } from "./chat-request.ts";
import type { Intent } from "./intents.ts";
import type { PlannedCall } from "./reply.ts";
import { sampleJson } from "./sample-json.ts";

/** The call that serves `intent`; undefined when no offered tool does. */
export function callFor(intent: Intent, request: ChatRequest): PlannedCall | undefined {
  for (const tool of mayCall(request)) {
    const known = argumentsFor(intent, tool);
    if (known !== undefined) return callWith(tool, known);
  }
  return undefined;
}

/** The tools that `tool_choice` allows. */
export function mayCall(request: ChatRequest): OfferedTool[] {
  const { toolChoice, tools } = request;
  if (toolChoice === "none") return [];
  return typeof toolChoice === "object" ? tools.filter((tool) => tool.name === toolChoice.name) : tools;
}

/** A call of `tool` with `known` arguments; required ones that are missing are made up to fit the schema. */
export function callWith(tool: OfferedTool, known: Record<string, unknown>, hint = ""): PlannedCall {
  const hasSchema = isRecord(tool.parameters["properties"]);
  const made = hasSchema ? sampleJson(tool.parameters, { text: hint, onlyRequired: true }) : {};
  const filled = { ...(isRecord(made) ? made : {}), ...known };
  return { name: tool.name, argumentsText: JSON.stringify(filled) };
}

function argumentsFor(intent: Intent, tool: OfferedTool): Record<string, unknown> | undefined {
  const properties = Object.keys(isRecord(tool.parameters["properties"]) ? tool.parameters["properties"] : {});
  const find = (...names: RegExp[]): string | undefined =>
    names.map((name) => properties.find((property) => name.test(property))).find((property) => property !== undefined);
  const words = `${tool.name} ${tool.description}`;
  switch (intent.kind) {
    case "calculate": {
      const property =
        find(/^(expression|expr|formula|equation)$/i) ??
        (/calc|math|arithmetic/i.test(words) ? find(/input|query|text/i) : undefined);
      return property === undefined ? undefined : { [property]: intent.expression };
    }
    case "time":
      return timeArguments(intent, tool.name, words, find);
    case "remember": {
      if (!/remember|memor|save|store|note|keep/i.test(tool.name) || /recall|forget|search|lookup|get/i.test(tool.name))
        return undefined;
      const value = find(/^(value|fact|content|text|detail|statement|note|memory)s?$/i);
      const key = find(/^(key|name|subject|topic|about|title|label)$/i);
      if (value !== undefined && key !== undefined) return { [key]: intent.subject, [value]: intent.fact };
      const only = value ?? key ?? properties[0];
      return only === undefined ? undefined : { [only]: `${intent.subject} is ${intent.fact}` };
    }
    case "recall": {
      if (!/recall|retriev|lookup|look_up|search|get_fact|get-fact|memory_get|remembered/i.test(tool.name))
        return undefined;
      const property = find(/^(key|query|subject|topic|about|name|question|text)$/i) ?? properties[0];
      const isOptional = !requiredOf(tool).includes(property ?? "");
      if (property === undefined || (isOptional && /^(?:me|us|myself)$/i.test(intent.subject))) return {};
      return { [property]: intent.subject };
    }
  }
}

function requiredOf(tool: OfferedTool): unknown[] {
  return Array.isArray(tool.parameters["required"]) ? tool.parameters["required"] : [];
}

function timeArguments(
  intent: Intent & { kind: "time" },
  name: string,
  words: string,
  find: (...names: RegExp[]) => string | undefined,
): Record<string, unknown> | undefined {
  if (!/time|clock|date/i.test(name) && !/current time|time of day|clock/i.test(words)) return undefined;
  const zone = find(/^(zone|time_?zone|tz|iana.*)$/i);
  if (zone !== undefined) return { [zone]: intent.zone };
  const place = find(/^(city|location|place|region)$/i);
  return place === undefined ? {} : { [place]: intent.place ?? intent.zone };
}
