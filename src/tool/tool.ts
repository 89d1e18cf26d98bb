/**
 * The contract of a tool: one file says what may be asked of it, how that is checked, what it touches, who may call it, how often, and
 * how long it may take.
 *
 * What a tool can foresee (an unknown time zone, a missing fact) it answers with `failed` and words that help the model to
 * do better. What it throws is a failure of something below it, and may pass: it is tried again as `retries` says, and by the queue or the run that made
 * the call. `NonRetryableError` says that it is for good, in words that are passed on; `RetryAfterError` that it is not to be tried before a time.
 */
import * as z from "zod/mini";
import { fieldProblemsOf, type FieldProblem } from "../core/field-problem.ts";
import { limits } from "../core/limits.ts";
import { invariant, type Clock, type Log } from "../core/ports.ts";
import type { ToolFailure } from "./tool-failure.ts";

/** What a run of the tool touches: nothing, the user's data, or money. */
export type ToolEffect = "read" | "write" | "money";

export type ToolResult = { readonly kind: "ok"; readonly output: unknown } | ToolFailure;

/** What a call is executed with. */
export interface ToolContext<Services = unknown> {
  readonly userId: string;
  /** Whose knowledge is read and written: facts belong to a user and an agent. */
  readonly agentId: string;
  readonly conversationId: string | undefined;
  readonly runId: string | undefined;
  /** The same whenever this very call is repeated, and for no other: hand it to whatever must not act twice. */
  readonly idempotencyKey: string;
  readonly clock: Clock;
  /** Waits; rejects when the signal aborts. */
  readonly pause: (ms: number, signal: AbortSignal) => Promise<void>;
  readonly log: Log;
  /** Aborts when the caller has left or the tool's time is over. */
  readonly signal: AbortSignal;
  /** What the app gives to its tools. */
  readonly services: Services;
}

export interface RateRule {
  readonly calls: number;
  readonly windowMs: number;
}

export interface BreakerRule {
  /** What it protects. Tools that name the same share one breaker. */
  readonly name: string;
  /** Failures in a row that open it. */
  readonly failures: number;
  /** How long it stays open until one call may try again. */
  readonly openMs: number;
  /** True where each user has one of their own: what one of them meets with closes nothing to others. */
  readonly isPerUser?: true;
}

export interface Tool<Input, Services = unknown> {
  /** snake_case; the model calls it by this name. */
  readonly name: string;
  /** For the model: when to use it and what it answers. */
  readonly description: string;
  readonly input: z.ZodMiniType<Input>;
  readonly effect: ToolEffect;
  /** What a caller must have been granted, such as `web:read`; none without it. */
  readonly scopes?: readonly string[];
  /** Of one attempt. */
  readonly timeoutMs: number;
  /** Attempts after the first when `execute` throws what may pass; 0 without it. */
  readonly retries?: number;
  /** Whether a person has to agree first. Without it: to each call of a `money` tool, to none of others. */
  readonly approval?: "never" | "always" | ((input: Input) => boolean);
  /** Calls of one user. */
  readonly rate?: RateRule;
  /** Calls of one user under way at once. */
  readonly concurrency?: number;
  readonly breaker?: BreakerRule;
  execute(context: ToolContext<Services>, input: Input): Promise<ToolResult> | ToolResult;
  /** Takes back what a call with this input did, given what it answered. May run more than once, as `execute` may. */
  undo?(context: ToolContext<Services>, input: Input, output: unknown): Promise<void>;
}

export type ReadInput =
  | { readonly kind: "ok"; readonly value: unknown }
  | { readonly kind: "misfit"; readonly problems: readonly FieldProblem[] };

/** A tool whose input type is known to itself only; `defineTool` makes one. */
export interface AnyTool<Services = never> {
  readonly name: string;
  readonly description: string;
  readonly effect: ToolEffect;
  readonly scopes: readonly string[];
  readonly timeoutMs: number;
  readonly retries: number;
  readonly approval: "never" | "always" | "by-input";
  readonly rate: RateRule | undefined;
  readonly concurrency: number | undefined;
  readonly breaker: BreakerRule | undefined;
  /** JSON Schema of the input, as a model and the console read it. */
  readonly inputSchema: () => Record<string, unknown>;
  readonly readInput: (value: unknown) => ReadInput;
  /** `input` has passed the schema, here and below. */
  readonly needsApproval: (input: unknown) => boolean;
  readonly execute: (context: ToolContext<Services>, input: unknown) => Promise<ToolResult> | ToolResult;
  readonly undo: ((context: ToolContext<Services>, input: unknown, output: unknown) => Promise<void>) | undefined;
}

/** What a model API takes for a name, too. */
const toolNamePattern = /^[a-z][a-z0-9_]{0,63}$/;

export function isToolName(value: unknown): value is string {
  return typeof value === "string" && toolNamePattern.test(value);
}

export function defineTool<Input, Services = unknown>(tool: Tool<Input, Services>): AnyTool<Services> {
  const { input, retries = 0, approval = tool.effect === "money" ? "always" : "never" } = tool;
  invariant(isToolName(tool.name), `"${tool.name}" is no name of a tool: use snake_case`);
  const defined: AnyTool<Services> = {
    name: tool.name,
    description: tool.description,
    effect: tool.effect,
    scopes: tool.scopes ?? [],
    timeoutMs: tool.timeoutMs,
    retries,
    approval: typeof approval === "function" ? "by-input" : approval,
    rate: tool.rate,
    concurrency: tool.concurrency,
    breaker: tool.breaker,
    inputSchema: () => inputSchemaOf(input),
    readInput: (value) => readInput(input, value),
    needsApproval: (value) => (typeof approval === "function" ? approval(value as Input) : approval === "always"),
    execute: (context, value) => tool.execute(context, value as Input),
    undo: tool.undo && ((context, value, output) => tool.undo!(context, value as Input, output)),
  };
  invariant(wholeMs(defined) <= limits.toolWholeMsMax, `the tool ${tool.name} takes longer than a call may`);
  return defined;
}

/** The longest that a call may take, with all its attempts and the pauses between them. */
export function wholeMs({ timeoutMs, retries }: Pick<AnyTool, "timeoutMs" | "retries">): number {
  return timeoutMs * (retries + 1) + limits.toolBackoffMs * (2 ** retries - 1);
}

export function ok(output: unknown): ToolResult {
  return { kind: "ok", output };
}

/** The tool's own "no", in words. */
export function failed(errorText: string): ToolFailure {
  return { kind: "failed", code: "failed", errorText };
}

/** Of what goes in, without the name of the dialect. */
function inputSchemaOf(input: z.ZodMiniType): Record<string, unknown> {
  const { $schema: _dialect, ...schema } = z.toJSONSchema(input, { io: "input" });
  return schema;
}

function readInput(schema: z.ZodMiniType, value: unknown): ReadInput {
  const parsed = z.safeParse(schema, value);
  if (parsed.success) return { kind: "ok", value: parsed.data };
  return { kind: "misfit", problems: fieldProblemsOf(parsed.error.issues) };
}
