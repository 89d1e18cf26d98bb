import { limits } from "../../src/core/limits.ts";
import type { Clock } from "../../src/core/ports.ts";
import type { SessionRecord, SessionRef, SessionStore } from "../../src/session/session.ts";

export function memorySessionStore(clock: Clock): SessionStore {
  const records = new Map<string, { record: SessionRecord; expiresAtMs: number }>();
  const keyOf = (ref: SessionRef) => `${ref.userId} ${ref.secretHash}`;
  const expiry = () => clock.now() + limits.sessionTtlSeconds * 1000;
  return {
    async put(ref, record) {
      records.set(keyOf(ref), { record, expiresAtMs: expiry() });
    },
    async touch(ref) {
      const kept = records.get(keyOf(ref));
      if (kept === undefined || kept.expiresAtMs <= clock.now()) return undefined;
      kept.expiresAtMs = expiry();
      return kept.record;
    },
    async remove(ref) {
      records.delete(keyOf(ref));
    },
  };
}
