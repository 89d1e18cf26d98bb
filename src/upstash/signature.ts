import { Receiver } from "@upstash/qstash";
import { limits } from "../core/limits.ts";
import type { Secret } from "../core/secret.ts";

export interface SignedDelivery {
  /** `Upstash-Signature`. */
  readonly signature: string | undefined;
  /** As it was received, byte for byte. */
  readonly body: string;
  /** The URL that QStash was told to deliver to. */
  readonly url: string;
}

/**
 * Whether QStash signed this delivery, by its current key or its next one: so rotating the keys loses nothing. Checked are the signature, the time (5 minutes,
 * with tolerance for clocks), the URL and the hash of the body.
 */
export function qstashVerifier(keys: { readonly current: Secret; readonly next: Secret }) {
  const receiver = new Receiver({
    currentSigningKey: keys.current.reveal(),
    nextSigningKey: keys.next.reveal(),
    devMode: false,
  });
  return async ({ signature, body, url }: SignedDelivery): Promise<boolean> => {
    if (signature === undefined || signature.length > limits.signatureCharsMax) return false;
    try {
      return await receiver.verify({ signature, body, url, clockTolerance: limits.clockToleranceSeconds });
    } catch {
      // What is no signature throws; to us it is one that does not hold.
      return false;
    }
  };
}
