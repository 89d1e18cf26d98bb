/**
 * What stands between a call and its tool, shared by all runs: how often a user may call it, how many calls may be under way, and whether what it
 * needs is known to be down. Tools that declare none of this pass without a command.
 *
 * A breaker counts failures in a row: those of something below the tool, not the tool's own "no". When it is open, calls are refused without an attempt; when
 * its time is over one call may try, and decides.
 */
import type { CallContext } from "./call-context.ts";
import { wholeMs, type AnyTool, type BreakerRule, type RateRule, type ToolResult } from "./tool.ts";
import { limits } from "../core/limits.ts";
import { isPassing, type ToolFailure } from "./tool-failure.ts";

export interface GuardedCall {
  readonly userId: string;
  readonly tool: string;
  /** Names this call among those of the user that are under way. */
  readonly callId: string;
  /** After this long a call that did not leave counts as dead. */
  readonly leaseMs: number;
  readonly rate: RateRule | undefined;
  readonly concurrency: number | undefined;
  readonly breaker: BreakerRule | undefined;
}

export type EntryAnswer =
  | { readonly kind: "entered"; readonly breaker: BreakerState }
  | { readonly kind: "refused"; readonly because: "rate" | "concurrency" | "breaker"; readonly retryAfterMs: number };

/** What a call saw of the breaker when it entered. */
export interface BreakerState {
  /** Failures in a row so far. */
  readonly failures: number;
  /** The one call that tries whether what was down is up again. */
  readonly isTrial: boolean;
}

export interface ToolGuard {
  /** Costs 1 round trip; billed are 1 command for a breaker, 5 for concurrency, 3 to 5 for a rate. One trip and 2 to 4 commands more when a breaker's time is over. */
  enter(call: GuardedCall): Promise<EntryAnswer>;
  /** Costs nothing when there is nothing to say; else 1 round trip: 1 command for concurrency, 1 for a breaker that a success closes, 4 for a failure. */
  leave(call: GuardedCall, seen: BreakerState, outcome: "worked" | "failed" | "undecided"): Promise<void>;
}

/** Runs the call if the guard lets it. Where the guard cannot be asked, tools that only read go on. @throws what the guard throws, for others. */
export async function guarded(
  context: Pick<CallContext, "userId" | "guard" | "random" | "log">,
  tool: AnyTool,
  run: () => Promise<ToolResult>,
): Promise<ToolResult> {
  const { rate, concurrency, breaker } = tool;
  if (rate === undefined && concurrency === undefined && breaker === undefined) return run();
  const leaseMs = wholeMs(tool) + limits.toolLeaseSlackMs;
  const callId = context.random.uuid();
  const call = { userId: context.userId, tool: tool.name, callId, leaseMs, rate, concurrency, breaker };
  const entry = await enter(context, tool, call);
  if (entry === undefined) return run();
  if (entry.kind === "refused") return refusal(tool, entry);
  const result = await run();
  await context.guard.leave(call, entry.breaker, outcomeOf(result)).catch((cause: unknown) => {
    context.log.warn("a tool's guard was not told of the end", { tool: tool.name, cause });
  });
  return result;
}

async function enter(
  { guard, log }: Pick<CallContext, "guard" | "log">,
  tool: AnyTool,
  call: GuardedCall,
): Promise<EntryAnswer | undefined> {
  try {
    return await guard.enter(call);
  } catch (cause) {
    if (tool.effect !== "read") throw cause;
    log.warn("a tool's guard could not be asked", { tool: tool.name, cause });
    return undefined;
  }
}

function outcomeOf(result: ToolResult): "worked" | "failed" | "undecided" {
  if (result.kind === "ok" || !isPassing(result)) return "worked";
  return result.code === "unavailable" || result.code === "timed_out" ? "failed" : "undecided";
}

function refusal({ name }: AnyTool, { because, retryAfterMs }: EntryAnswer & { kind: "refused" }): ToolFailure {
  const seconds = Math.max(1, Math.ceil(retryAfterMs / 1000));
  const refusals = {
    rate: ["rate_limited", `The tool ${name} was called too often; it may be called again in ${seconds} s.`],
    concurrency: ["busy", `Too many calls of ${name} are under way; wait for one to end.`],
    breaker: ["unavailable", `What ${name} needs is down; it may be tried again in ${seconds} s.`],
  } as const;
  const [code, errorText] = refusals[because];
  return { kind: "failed", code, errorText, retryAfterMs };
}
