import { randomBytes } from "node:crypto";

/** The two keys of an account: deliveries are signed with the current one; receivers accept both, so rotation loses nothing. */
export interface SigningKeys {
  read(): { current: string; next: string };
  /** The next key becomes the current one, a new key becomes the next one; the old current key is gone. */
  rotate(): { current: string; next: string };
}

export function createSigningKeys(initial: { current: string; next: string }): SigningKeys {
  let keys = { ...initial };
  return {
    read: () => ({ ...keys }),
    rotate() {
      keys = { current: keys.next, next: `sig_${randomBytes(14).toString("hex")}` };
      return { ...keys };
    },
  };
}
