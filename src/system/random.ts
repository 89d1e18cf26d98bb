import type { Random } from "../core/ports.ts";

/** Chance from WebCrypto. Workers refuse it at module level, so it is only drawn while a request runs. */
export const systemRandom: Random = {
  uuid: () => crypto.randomUUID(),
  bytes: (count) => crypto.getRandomValues(new Uint8Array(count)),
};
