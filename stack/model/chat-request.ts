/**
 * The body of `POST /v1/chat/completions`, read as strictly as the real API reads it: a caller that sends an orphaned tool
 * result, or forgets one, learns it here and not in production.
 *
 * Unknown fields are accepted and ignored, for the real API grows faster than this file.
 */
import { badField } from "./api-error.ts";

export interface ChatRequest {
  model: string;
  messages: ChatMessage[];
  tools: OfferedTool[];
  toolChoice: ToolChoice;
  mayCallInParallel: boolean;
  isStreamed: boolean;
  wantsUsage: boolean;
  maxTokens: number | undefined;
  stops: string[];
  /** Absent for plain text. An empty schema stands for `json_object`. */
  jsonSchema: unknown;
}

export interface ChatMessage {
  role: "system" | "developer" | "user" | "assistant" | "tool";
  text: string;
  toolCalls: { id: string; name: string; argumentsText: string }[];
  toolCallId: string | undefined;
}

export interface OfferedTool {
  name: string;
  description: string;
  parameters: Record<string, unknown>;
}

export type ToolChoice = "auto" | "none" | "required" | { name: string };

type Json = Record<string, unknown>;

const ROLES: readonly ChatMessage["role"][] = ["system", "developer", "user", "assistant", "tool"];
const TOOL_NAME = /^[a-zA-Z0-9_-]{1,64}$/;

/** @throws ApiError 400 in the words of the real API, with `param`. */
export function parseChatRequest(body: unknown): ChatRequest {
  if (!isRecord(body)) throw badField("body", "The request body must be a JSON object.");
  const model = body["model"];
  if (typeof model !== "string" || model === "") throw badField("model", "you must provide a model parameter");
  if (body["n"] !== undefined && body["n"] !== null && body["n"] !== 1) {
    throw badField("n", "This offline model answers one choice only: n must be 1.", "unsupported_value");
  }
  const messages = parseMessages(body["messages"]);
  const tools = parseTools(body["tools"]);
  return {
    model,
    messages,
    tools,
    toolChoice: parseToolChoice(body["tool_choice"], tools),
    mayCallInParallel: body["parallel_tool_calls"] !== false,
    isStreamed: body["stream"] === true,
    wantsUsage: isRecord(body["stream_options"]) && body["stream_options"]["include_usage"] === true,
    maxTokens: parseMaxTokens(body["max_completion_tokens"] ?? body["max_tokens"]),
    stops: parseStops(body["stop"]),
    jsonSchema: parseResponseFormat(body["response_format"]),
  };
}

function parseMessages(value: unknown): ChatMessage[] {
  if (value === undefined)
    throw badField("messages", "Missing required parameter: 'messages'.", "missing_required_parameter");
  if (!Array.isArray(value) || value.length === 0) {
    throw badField("messages", "Invalid 'messages': expected an array with at least one message.", "invalid_type");
  }
  const messages = value.map(parseMessage);
  checkToolPairs(messages);
  return messages;
}

function parseMessage(value: unknown, index: number): ChatMessage {
  const param = `messages.[${index}]`;
  if (!isRecord(value)) throw badField(param, `Invalid '${param}': expected an object.`, "invalid_type");
  const role = ROLES.find((known) => known === value["role"]);
  if (role === undefined) {
    throw badField(
      `${param}.role`,
      `Invalid value: '${String(value["role"])}'. Supported values are: ${ROLES.join(", ")}.`,
      "invalid_value",
    );
  }
  const toolCalls = parseToolCalls(value["tool_calls"], param);
  const content = value["content"];
  const mayBeNull = role === "assistant" && toolCalls.length > 0;
  if ((content === null || content === undefined) && !mayBeNull) {
    throw badField(`${param}.content`, `Invalid value for 'content': expected a string, got null.`, "invalid_type");
  }
  const toolCallId = value["tool_call_id"];
  if (role === "tool" && typeof toolCallId !== "string") {
    throw badField(
      `${param}.tool_call_id`,
      `Missing parameter 'tool_call_id': messages with role 'tool' must have a 'tool_call_id'.`,
    );
  }
  return { role, text: parseContent(content, param), toolCalls, toolCallId: toolCallId as string | undefined };
}

function parseContent(content: unknown, param: string): string {
  if (content === null || content === undefined) return "";
  if (typeof content === "string") return content;
  if (!Array.isArray(content)) {
    throw badField(
      `${param}.content`,
      "Invalid type for 'content': expected a string or an array of parts.",
      "invalid_type",
    );
  }
  return content.map((part) => (isRecord(part) && typeof part["text"] === "string" ? part["text"] : "")).join("");
}

function parseToolCalls(value: unknown, param: string): ChatMessage["toolCalls"] {
  if (value === undefined || value === null) return [];
  if (!Array.isArray(value) || value.length === 0) {
    throw badField(`${param}.tool_calls`, `Invalid '${param}.tool_calls': expected an array with at least one call.`);
  }
  return value.map((call: unknown, index) => {
    const at = `${param}.tool_calls[${index}]`;
    const fn = isRecord(call) ? call["function"] : undefined;
    if (!isRecord(call) || typeof call["id"] !== "string" || !isRecord(fn)) throw badField(at, `Invalid '${at}'.`);
    if (typeof fn["name"] !== "string" || typeof fn["arguments"] !== "string") {
      throw badField(`${at}.function`, `Invalid '${at}.function': name and arguments must be strings.`, "invalid_type");
    }
    return { id: call["id"], name: fn["name"], argumentsText: fn["arguments"] };
  });
}

/** Each call of an assistant is answered by the tool messages right behind it, and by nothing else. */
function checkToolPairs(messages: ChatMessage[]): void {
  let open = new Set<string>();
  messages.forEach((message, index) => {
    if (message.role === "tool") {
      if (!open.delete(message.toolCallId ?? "")) {
        const why = "messages with role 'tool' must be a response to a preceeding message with 'tool_calls'.";
        throw badField(`messages.[${index}].role`, `Invalid parameter: ${why}`);
      }
      return;
    }
    refuseUnanswered(open, index);
    open = new Set(message.toolCalls.map((call) => call.id));
  });
  refuseUnanswered(open, messages.length);
}

function refuseUnanswered(open: Set<string>, index: number): void {
  if (open.size === 0) return;
  const why =
    "An assistant message with 'tool_calls' must be followed by tool messages responding to each 'tool_call_id'.";
  throw badField(`messages.[${index}].role`, `${why} These were not answered: ${[...open].join(", ")}`);
}

function parseTools(value: unknown): OfferedTool[] {
  if (value === undefined || value === null) return [];
  if (!Array.isArray(value)) throw badField("tools", "Invalid type for 'tools': expected an array.", "invalid_type");
  if (value.length === 0)
    throw badField("tools", "Invalid 'tools': empty array. Expected an array with minimum length 1.", "empty_array");
  return value.map((tool: unknown, index) => {
    const fn = isRecord(tool) ? tool["function"] : undefined;
    if (!isRecord(fn) || typeof fn["name"] !== "string") {
      throw badField(
        `tools[${index}].function`,
        `Missing required parameter: 'tools[${index}].function.name'.`,
        "missing_required_parameter",
      );
    }
    if (!TOOL_NAME.test(fn["name"])) {
      throw badField(
        `tools[${index}].function.name`,
        `Invalid 'tools[${index}].function.name': expected ${TOOL_NAME.source}.`,
        "invalid_value",
      );
    }
    const description = typeof fn["description"] === "string" ? fn["description"] : "";
    return { name: fn["name"], description, parameters: isRecord(fn["parameters"]) ? fn["parameters"] : {} };
  });
}

function parseToolChoice(value: unknown, tools: OfferedTool[]): ToolChoice {
  if (value === undefined || value === null) return tools.length > 0 ? "auto" : "none";
  if (value === "auto" || value === "none" || value === "required") return value;
  const fn = isRecord(value) ? value["function"] : undefined;
  const name = isRecord(fn) ? fn["name"] : undefined;
  if (typeof name !== "string") throw badField("tool_choice", "Invalid value for 'tool_choice'.", "invalid_value");
  if (!tools.some((tool) => tool.name === name)) {
    throw badField(
      "tool_choice",
      `Invalid value for 'tool_choice': the tool '${name}' is not among 'tools'.`,
      "invalid_value",
    );
  }
  return { name };
}

function parseMaxTokens(value: unknown): number | undefined {
  if (value === undefined || value === null) return undefined;
  if (typeof value !== "number" || !Number.isInteger(value) || value < 1) {
    throw badField("max_tokens", "Invalid 'max_tokens': expected an integer of at least 1.", "integer_below_min_value");
  }
  return value;
}

function parseStops(value: unknown): string[] {
  const stops = typeof value === "string" ? [value] : Array.isArray(value) ? value : [];
  return stops.filter((stop): stop is string => typeof stop === "string" && stop !== "");
}

function parseResponseFormat(value: unknown): unknown {
  if (!isRecord(value) || value["type"] === "text") return undefined;
  if (value["type"] === "json_object") return {};
  const wrapped = value["json_schema"];
  if (value["type"] !== "json_schema" || !isRecord(wrapped) || typeof wrapped["name"] !== "string") {
    throw badField(
      "response_format",
      "Invalid 'response_format': expected json_schema with a name and a schema.",
      "invalid_value",
    );
  }
  return wrapped["schema"] ?? {};
}

export function isRecord(value: unknown): value is Json {
  return typeof value === "object" && value !== null && !Array.isArray(value);
}
