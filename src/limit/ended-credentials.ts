/**
 * Credentials that the storage knew nothing of, remembered in the isolate. Whoever goes on presenting one is counted by their network: so what was ended uses up nothing
 * of its user's limit.
 */
import { limits } from "../core/limits.ts";

export interface EndedCredentials {
  /** @param secretHash of what was presented. */
  has(secretHash: string): boolean;
  note(secretHash: string): void;
}

export function createEndedCredentials(): EndedCredentials {
  const ended = new Set<string>();
  return {
    has: (secretHash) => ended.has(secretHash),
    note(secretHash) {
      ended.add(secretHash);
      const [oldest] = ended;
      if (ended.size > limits.blockedCallersMax && oldest !== undefined) ended.delete(oldest);
    },
  };
}
