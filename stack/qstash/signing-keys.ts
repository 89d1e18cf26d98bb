import { randomBytes } from "node:crypto";
import type { Collection } from "../storage/collection.ts";

export interface KeyPair {
  current: string;
  next: string;
}

/** The two keys of an account: deliveries are signed with the current one; receivers accept both, so rotation loses nothing. */
export interface SigningKeys {
  read(): KeyPair;
  /** The next key becomes the current one, a new key becomes the next one; the old current key is gone. */
  rotate(): KeyPair;
}

const pairId = "pair";

/** `initial` holds until the first rotation. */
export function createSigningKeys(pairs: Collection<KeyPair>, initial: KeyPair): SigningKeys {
  const read = (): KeyPair => ({ ...(pairs.get(pairId) ?? initial) });
  return {
    read,
    rotate() {
      pairs.put(pairId, { current: read().next, next: `sig_${randomBytes(14).toString("hex")}` });
      return read();
    },
  };
}
