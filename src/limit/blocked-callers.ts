/**
 * Who is over a limit, remembered in the isolate: until their window ends they are refused without asking the storage. Others learn nothing from it, and an
 * isolate that has forgotten asks again.
 */
import { limits } from "../core/limits.ts";
import type { LimiterName, LimitVerdict } from "./limiter.ts";

export interface BlockedCallers {
  /** The verdict of before, as of now; `undefined` for a caller who has to be counted. */
  find(name: LimiterName, caller: string, nowMs: number): LimitVerdict | undefined;
  note(name: LimiterName, caller: string, verdict: LimitVerdict): void;
}

export function createBlockedCallers(): BlockedCallers {
  const blocked = new Map<string, LimitVerdict>();
  return {
    find(name, caller, nowMs) {
      const key = `${name} ${caller}`;
      const verdict = blocked.get(key);
      if (verdict === undefined) return undefined;
      if (verdict.resetAtMs > nowMs) return { ...verdict, retryAfterMs: verdict.resetAtMs - nowMs };
      blocked.delete(key);
      return undefined;
    },
    note(name, caller, verdict) {
      if (verdict.kind !== "exhausted") return;
      const key = `${name} ${caller}`;
      blocked.delete(key);
      blocked.set(key, verdict);
      const [oldest] = blocked.keys();
      if (blocked.size > limits.blockedCallersMax && oldest !== undefined) blocked.delete(oldest);
    },
  };
}
