import type { Clock, Log, Random } from "../core/ports.ts";
import type { ToolGrant } from "./tool-grant.ts";
import type { ToolGuard } from "./tool-guard.ts";
import type { ToolLedger } from "./tool-ledger.ts";

/** What every call of one invocation stands on. */
export interface ToolParts<Services = unknown> {
  /** What the app gives to its tools. */
  readonly services: Services;
  readonly ledger: ToolLedger;
  readonly guard: ToolGuard;
  readonly clock: Clock;
  readonly random: Random;
  /** Waits; rejects when the signal aborts. */
  readonly pause: (ms: number, signal: AbortSignal) => Promise<void>;
  readonly log: Log;
}

/** Who calls a tool, in whose name, and what names the call. */
export interface ToolCaller {
  readonly userId: string;
  readonly agentId: string;
  readonly conversationId?: string | undefined;
  readonly runId?: string | undefined;
  /** The same whenever this call is repeated: of a run the step's key. */
  readonly callKey: string;
  readonly grant: ToolGrant;
  /** Whether a person has agreed to this call with this input. */
  readonly isApproved: boolean;
  /** Aborts when nobody waits for the answer any more. */
  readonly signal: AbortSignal;
}

export type CallContext<Services = unknown> = ToolParts<Services> & ToolCaller;
