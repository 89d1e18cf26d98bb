import type { Clock } from "../../src/core/ports.ts";
import { limits } from "../../src/core/limits.ts";
import type { LedgerRef, ToolLedger } from "../../src/tool/tool-ledger.ts";
import type { ToolResult } from "../../src/tool/tool.ts";

/** The ledger in memory; held to the same cases as the real adapter by `test/contract/tool-ledger.test.ts`. */
export function memoryToolLedger(clock: Clock): ToolLedger {
  type Entry = { readonly holder: string } | { readonly result: ToolResult };
  const entries = new Map<string, { readonly entry: Entry; readonly untilMs: number }>();
  const keyOf = ({ userId, key }: LedgerRef): string => `${userId} ${key}`;
  function found(ref: LedgerRef) {
    const kept = entries.get(keyOf(ref));
    return kept !== undefined && kept.untilMs > clock.now() ? kept : undefined;
  }
  return {
    async claim(ref, holder, leaseMs) {
      const kept = found(ref);
      if (kept === undefined) {
        entries.set(keyOf(ref), { entry: { holder }, untilMs: clock.now() + leaseMs });
        return { kind: "claimed" };
      }
      if ("result" in kept.entry) return { kind: "answered", result: kept.entry.result };
      if (kept.entry.holder === holder) return { kind: "claimed" };
      return { kind: "held", forMs: kept.untilMs - clock.now() };
    },
    async settle(ref, result) {
      const kept = found(ref);
      if (kept !== undefined && "result" in kept.entry) return kept.entry.result;
      const untilMs = clock.now() + limits.toolLedgerTtlSeconds * 1000;
      entries.set(keyOf(ref), { entry: { result: JSON.parse(JSON.stringify(result)) as ToolResult }, untilMs });
      return result;
    },
    async release(ref, holder) {
      const kept = found(ref);
      if (kept !== undefined && "holder" in kept.entry && kept.entry.holder === holder) entries.delete(keyOf(ref));
    },
  };
}
