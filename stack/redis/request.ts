import { isStreamCommand } from "./refusals.ts";
import type { Arg, Command } from "./resp.ts";

/** What one HTTP request asks for. */
export type RedisRequest =
  | { kind: "command"; command: Command }
  | { kind: "pipeline"; commands: Command[] }
  | { kind: "transaction"; commands: Command[] }
  | { kind: "malformed"; error: string };

export interface RequestParts {
  method: string;
  /** Without the query, beginning with a slash. */
  path: string;
  /** Without the question mark. */
  query: string;
  body: Buffer;
}

const malformed = (error: string): RedisRequest => ({ kind: "malformed", error });

/** Reads the three forms of the REST API: a command as JSON, a command as a path, many commands as JSON. Source: docs, "REST API". */
export function readRequest(parts: RequestParts): RedisRequest {
  switch (parts.path) {
    case "/":
      return hasBody(parts.method) ? commandFromBody(parts.body) : malformed("ERR empty command");
    case "/pipeline":
      return commandsFromBody("pipeline", parts.body);
    case "/multi-exec":
      return commandsFromBody("transaction", parts.body);
    default:
      return commandFromPath(parts);
  }
}

function hasBody(method: string): boolean {
  return method === "POST" || method === "PUT";
}

/** The bytes behind `%XX`; a percent sign without two digits stands for itself, because the SDK puts channel names into the path raw. */
function percentDecode(text: string): Arg {
  if (!text.includes("%")) return text;
  const bytes = text.replace(/%([0-9a-f]{2})/gi, (_, digits: string) =>
    String.fromCharCode(Number.parseInt(digits, 16)),
  );
  return Buffer.from(bytes, "latin1");
}

function commandFromBody(body: Buffer): RedisRequest {
  const parsed = parseJson(body);
  if (parsed === undefined) return malformed("ERR failed to parse the request body: it is not JSON");
  const command = toCommand(parsed);
  return typeof command === "string" ? malformed(command) : { kind: "command", command };
}

function commandsFromBody(kind: "pipeline" | "transaction", body: Buffer): RedisRequest {
  const parsed = parseJson(body);
  if (parsed === undefined) return malformed("ERR failed to parse the request body: it is not JSON");
  if (!Array.isArray(parsed) || parsed.length === 0) return malformed(`ERR a ${kind} is a non-empty array of commands`);
  const commands: Command[] = [];
  for (const item of parsed) {
    const command = toCommand(item);
    if (typeof command === "string") return malformed(command);
    commands.push(command);
  }
  return { kind, commands };
}

/** `POST /set/foo?EX=100` with the body `bar` is `SET foo bar EX 100`. */
function commandFromPath({ method, path, query, body }: RequestParts): RedisRequest {
  const [name, ...args] = path.replace(/\/$/, "").slice(1).split("/").map(percentDecode);
  if (name === undefined || name.length === 0) return malformed("ERR empty command");
  // The SDK opens a stream with an empty array as the body, which is no channel.
  if (isStreamCommand([name])) return { kind: "command", command: [name, ...args] };
  if (hasBody(method) && body.length > 0) args.push(body);
  for (const pair of query.split("&")) {
    if (pair === "") continue;
    const equals = pair.indexOf("=");
    const option = fromQuery(equals < 0 ? pair : pair.slice(0, equals));
    if (String(option) === "_token") continue;
    args.push(option);
    if (equals >= 0 && equals + 1 < pair.length) args.push(fromQuery(pair.slice(equals + 1)));
  }
  return { kind: "command", command: [name, ...args] };
}

function fromQuery(text: string): Arg {
  return percentDecode(text.replaceAll("+", " "));
}

/** Undefined when it is not JSON. A number that a double cannot hold keeps the digits that the client wrote. */
function parseJson(body: Buffer): unknown {
  const text = body.toString();
  try {
    const parsed: unknown = JSON.parse(text);
    return hasInexactNumber(parsed) ? JSON.parse(text, keepDigits) : parsed;
  } catch {
    return undefined;
  }
}

function hasInexactNumber(value: unknown): boolean {
  if (typeof value === "number") return !Number.isSafeInteger(value);
  return Array.isArray(value) && value.some(hasInexactNumber);
}

function keepDigits(_: string, value: unknown, context?: { source?: string }): unknown {
  return typeof value === "number" ? (context?.source ?? value) : value;
}

/** The command, or the error to answer with. */
function toCommand(item: unknown): Command | string {
  if (!Array.isArray(item)) return "ERR a command is an array of strings";
  if (item.length === 0) return "ERR empty command";
  const args: Arg[] = [];
  for (const value of item) {
    if (typeof value === "object" && value !== null)
      return "ERR an argument is a string, a number or a boolean, not an object or array";
    args.push(value === null ? "" : String(value));
  }
  const [name, ...rest] = args;
  return name === undefined || name === "" ? "ERR empty command" : [name, ...rest];
}
