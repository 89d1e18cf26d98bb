/**
 * In simulated worlds digests are there at once. WebCrypto computes them on threads of its own, which come back in any order: then the same seed would not be the same world.
 */
import { createHash } from "node:crypto";

const { digest } = crypto.subtle;

Object.defineProperty(crypto.subtle, "digest", {
  value: async (algorithm: AlgorithmIdentifier, data: BufferSource): Promise<ArrayBuffer> => {
    const name = typeof algorithm === "string" ? algorithm : algorithm.name;
    if (name !== "SHA-256") return digest.call(crypto.subtle, algorithm, data);
    const bytes = ArrayBuffer.isView(data)
      ? new Uint8Array(data.buffer, data.byteOffset, data.byteLength)
      : new Uint8Array(data);
    return Uint8Array.from(createHash("sha256").update(bytes).digest()).buffer;
  },
});
