import type { Secret } from "../core/secret.ts";

/** Signs what we hand out, so that what was made up is refused without asking the storage. What is signed begins with what it is for. */
export interface Signer {
  /** HMAC-SHA-256, 32 bytes. */
  sign(text: string): Promise<Uint8Array>;
  /** In constant time. */
  verify(text: string, signature: Uint8Array<ArrayBuffer>): Promise<boolean>;
}

const encoder = new TextEncoder();

export function createSigner(secret: Secret): Signer {
  let imported: Promise<CryptoKey> | undefined;
  const key = (): Promise<CryptoKey> => (imported ??= importKey(secret));
  return {
    sign: async (text) => new Uint8Array(await crypto.subtle.sign("HMAC", await key(), encoder.encode(text))),
    verify: async (text, signature) => crypto.subtle.verify("HMAC", await key(), signature, encoder.encode(text)),
  };
}

function importKey(secret: Secret): Promise<CryptoKey> {
  const bytes = encoder.encode(secret.reveal());
  return crypto.subtle.importKey("raw", bytes, { name: "HMAC", hash: "SHA-256" }, false, ["sign", "verify"]);
}
