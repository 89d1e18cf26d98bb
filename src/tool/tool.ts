/**
 * The contract of a tool: one file says what the model may ask, how that is checked, what it touches and how long it may take.
 *
 * What a tool can foresee (an unknown time zone, a missing fact) it answers with `failed` and words that help the model to
 * do better. What it throws is a failure of something below it.
 */
import type * as z from "zod/mini";
import type { Clock, Log } from "../core/ports.ts";
import type { FactStore } from "./fact-store.ts";

/** What a run of the tool touches: nothing, the user's data, or money. */
export type ToolEffect = "read" | "write" | "money";

export type ToolResult =
  | { readonly kind: "ok"; readonly output: unknown }
  | { readonly kind: "failed"; readonly errorText: string };

export interface ToolContext {
  readonly userId: string;
  /** Whose knowledge is read and written: facts belong to a user and an agent. */
  readonly agentId: string;
  readonly clock: Clock;
  readonly facts: FactStore;
  readonly log: Log;
  /** Aborts when the turn ends or the tool's time is over. */
  readonly signal: AbortSignal;
}

export interface Tool<Input> {
  /** snake_case; the model calls it by this name. */
  readonly name: string;
  /** For the model: when to use it and what it answers. */
  readonly description: string;
  readonly input: z.ZodMiniType<Input>;
  readonly effect: ToolEffect;
  readonly timeoutMs: number;
  execute(context: ToolContext, input: Input): Promise<ToolResult> | ToolResult;
}

/** A tool whose input type is known to itself only; `defineTool` makes one. */
export interface AnyTool extends Omit<Tool<never>, "input" | "execute"> {
  readonly input: z.ZodMiniType;
  /** `input` has passed the schema. */
  execute(context: ToolContext, input: unknown): Promise<ToolResult> | ToolResult;
}

export function defineTool<Input>(tool: Tool<Input>): AnyTool {
  return { ...tool, execute: (context, input) => tool.execute(context, input as Input) };
}

export function ok(output: unknown): ToolResult {
  return { kind: "ok", output };
}

export function failed(errorText: string): ToolResult {
  return { kind: "failed", errorText };
}
