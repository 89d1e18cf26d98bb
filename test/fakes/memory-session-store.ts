import { limits } from "../../src/core/limits.ts";
import type { Clock } from "../../src/core/ports.ts";
import {
  extendedEndSeconds,
  type SessionRecord,
  type SessionRef,
  type SessionStore,
} from "../../src/session/session.ts";

export function memorySessionStore(clock: Clock): SessionStore {
  const kept = new Map<string, { ref: SessionRef; record: SessionRecord; expiresAtMs: number }>();
  const keyOf = (ref: SessionRef) => `${ref.userId} ${ref.secretHash}`;
  const expiry = () => clock.now() + limits.sessionTtlSeconds * 1000;
  const alive = (userId: string) =>
    [...kept.values()]
      .filter(({ ref, expiresAtMs }) => ref.userId === userId && expiresAtMs > clock.now())
      .toSorted((a, b) => b.record.createdAtMs - a.record.createdAtMs);
  return {
    async put(ref, record) {
      kept.set(keyOf(ref), { ref, record, expiresAtMs: expiry() });
      for (const oldest of alive(ref.userId).slice(limits.sessionsPerUserMax)) kept.delete(keyOf(oldest.ref));
    },
    async read(ref, inUseAtMs) {
      const found = kept.get(keyOf(ref));
      if (found === undefined || found.expiresAtMs <= clock.now()) return undefined;
      if (inUseAtMs !== undefined) found.expiresAtMs = extendedEndSeconds(inUseAtMs) * 1000;
      return found.record;
    },
    async list(userId) {
      return alive(userId).map(({ ref, record }) => ({ ...record, ref }));
    },
    async remove(userId, secretHashes) {
      for (const secretHash of secretHashes) kept.delete(keyOf({ userId, secretHash }));
    },
  };
}
