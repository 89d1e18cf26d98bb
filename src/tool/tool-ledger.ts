/**
 * What calls that act have answered, so that a call which comes twice acts once.
 *
 * L1 Of two calls with one key that come at the same moment one acts; the other waits for it and gets its answer.
 * L2 The first answer that is written is the answer, whatever a later call would have said.
 * L3 Who holds a key and dies loses it after its lease: the call is then made again, with the same key.
 * L4 What failed in passing is not an answer: the key is free for the next attempt.
 *
 * Between an effect and its entry here there is always an instant. Who dies in it leaves no entry, and the call is made again: then only the service
 * behind the tool, which gets the same idempotency key, can tell that it has acted already.
 */
import { limits } from "../core/limits.ts";
import type { CallContext } from "./call-context.ts";
import { isPassing } from "./tool-failure.ts";
import { wholeMs, type AnyTool, type ToolResult } from "./tool.ts";

export interface LedgerRef {
  readonly userId: string;
  /** The idempotency key. */
  readonly key: string;
}

export type ClaimAnswer =
  | { readonly kind: "claimed" }
  | { readonly kind: "answered"; readonly result: ToolResult }
  | { readonly kind: "held"; readonly forMs: number };

export interface ToolLedger {
  /** Takes the key for `leaseMs`. Safe to repeat by the same holder. 1 round trip, 3 billed commands; 2 when it is taken. */
  claim(ref: LedgerRef, holder: string, leaseMs: number): Promise<ClaimAnswer>;
  /**
   * Writes the answer for `limits.toolLedgerTtlSeconds`, also when the lease is over. 1 round trip, 3 billed commands.
   * @returns the answer that counts: an earlier one, if there is one.
   */
  settle(ref: LedgerRef, result: ToolResult): Promise<ToolResult>;
  /** Gives the key back, if `holder` still has it. 1 round trip, 3 billed commands. */
  release(ref: LedgerRef, holder: string): Promise<void>;
}

export interface OnceParts extends Pick<CallContext, "ledger" | "random" | "pause" | "signal" | "log"> {
  readonly ref: LedgerRef;
}

/** Runs the call once per key. @throws what the ledger throws when the key cannot be claimed; then nothing has run. */
export async function once(parts: OnceParts, tool: AnyTool, run: () => Promise<ToolResult>): Promise<ToolResult> {
  const { ledger, ref, log } = parts;
  const holder = parts.random.uuid();
  const claim = await claimInTime(parts, tool, holder);
  if (claim.kind === "answered") return claim.result;
  if (claim.kind === "held") {
    return {
      kind: "failed",
      code: "in_progress",
      errorText: `This very call of ${tool.name} is still under way.`,
      retryAfterMs: claim.forMs,
    };
  }
  const result = await run().catch(async (thrown: unknown) => {
    await ledger.release(ref, holder).catch(() => undefined);
    throw thrown;
  });
  try {
    if (result.kind === "ok" || !isPassing(result)) return await ledger.settle(ref, result);
    // After its time was up a tool may still be acting: its key stays taken until the lease is over.
    if (result.code !== "timed_out") await ledger.release(ref, holder);
  } catch (cause) {
    log.warn("a tool's answer is not in the ledger", { tool: tool.name, cause });
  }
  return result;
}

/** Waits for a call that is under way, as long as it may take. */
async function claimInTime({ ledger, ref, pause, signal }: OnceParts, tool: AnyTool, holder: string) {
  const leaseMs = wholeMs(tool) + limits.toolLeaseSlackMs;
  let waitedMs = 0;
  for (let pauseMs = limits.toolLedgerPollMs; ; pauseMs *= 2) {
    const answer = await ledger.claim(ref, holder, leaseMs);
    if (answer.kind !== "held" || waitedMs >= leaseMs || signal.aborted) return answer;
    const waitMs = Math.min(pauseMs, answer.forMs, leaseMs - waitedMs);
    await pause(waitMs, signal).catch(() => undefined);
    waitedMs += waitMs;
  }
}
