/**
 * What a test may order the model to do in its next calls, instead of answering by itself.
 *
 * Waits that are ordered here (`msPerChunk`) pass on the stack's clock, so a test that froze it decides when each chunk
 * leaves. The model's own pace passes in real time.
 */
export interface Behaviour {
  kind: BehaviourKind;
  /** The words of the answer; a kind that streams has a default. */
  text?: string;
  /** `reply`: the exact chunks, instead of one for each word. */
  chunks?: string[];
  /** `tool-calls`: what to call. Not checked against the offered tools, since a real model may also invent one. */
  calls?: ScriptedToolCall[];
  /** Wait before each chunk. */
  msPerChunk?: number;
  /** `stall`, `cut`, `half`: how many content chunks leave whole before it happens. */
  afterChunks?: number;
  /** `tiny-chunks`: how many. */
  count?: number;
  /** `rate-limited`: the Retry-After header, in seconds. */
  retryAfterSeconds?: number;
  /** `server-error`: the status, 500 by default. */
  status?: number;
  /** Only a call whose body contains this text takes the behaviour; others pass it by. */
  match?: string;
  /** How many calls take it; 1 by default. */
  times?: number;
}

/** `arguments` as an object is sent as JSON; as a string it is sent as it is, be it JSON or not. */
export interface ScriptedToolCall {
  name: string;
  arguments: unknown;
}

export type BehaviourKind =
  /** A fixed answer. */
  | "reply"
  /** Fixed tool calls. */
  | "tool-calls"
  /** The model's own answer (or `text`), at `msPerChunk`. */
  | "slow"
  /** Says `afterChunks` chunks, then keeps the connection open in silence. */
  | "stall"
  /** Says `afterChunks` chunks and a part of the next line, then destroys the socket. */
  | "cut"
  /** Says `afterChunks` chunks, then ends cleanly without a finish reason and without `[DONE]`. */
  | "half"
  /** 429 with Retry-After. */
  | "rate-limited"
  /** 500, or `status`. */
  | "server-error"
  /** 200 with the right content type and bytes that mean nothing. */
  | "garbage"
  /** 200 with no body at all. */
  | "empty"
  /** `count` chunks of one or two characters. */
  | "tiny-chunks";

const KINDS: readonly BehaviourKind[] = [
  "reply",
  "tool-calls",
  "slow",
  "stall",
  "cut",
  "half",
  "rate-limited",
  "server-error",
  "garbage",
  "empty",
  "tiny-chunks",
];

const FIELDS: Record<Exclude<keyof Behaviour, "kind">, "string" | "number" | "array"> = {
  text: "string",
  chunks: "array",
  calls: "array",
  msPerChunk: "number",
  afterChunks: "number",
  count: "number",
  retryAfterSeconds: "number",
  status: "number",
  match: "string",
  times: "number",
};

/** Reads one behaviour, a list of them, or `{behaviours: [...]}`. @throws Error in words at the first mistake. */
export function parseBehaviours(body: unknown): Behaviour[] {
  const list = Array.isArray(body)
    ? body
    : isRecord(body) && Array.isArray(body["behaviours"])
      ? body["behaviours"]
      : [body];
  return list.map(parseBehaviour);
}

function parseBehaviour(value: unknown): Behaviour {
  if (!isRecord(value)) throw new Error("a behaviour must be an object");
  if (!KINDS.includes(value["kind"] as BehaviourKind)) throw new Error(`kind must be one of ${KINDS.join(", ")}`);
  for (const [name, field] of Object.entries(value)) {
    if (name === "kind") continue;
    const wanted = FIELDS[name as keyof typeof FIELDS];
    if (wanted === undefined)
      throw new Error(`unknown field ${name}; a behaviour has ${Object.keys(FIELDS).join(", ")}`);
    const isRight = wanted === "array" ? Array.isArray(field) : typeof field === wanted;
    if (!isRight) throw new Error(`${name} must be of type ${wanted}`);
  }
  return value as unknown as Behaviour;
}

function isRecord(value: unknown): value is Record<string, unknown> {
  return typeof value === "object" && value !== null && !Array.isArray(value);
}
