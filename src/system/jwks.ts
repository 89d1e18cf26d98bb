/**
 * The public keys of an identity provider, kept in the isolate.
 *
 * J1 Keys are fetched again after ten minutes, or when a token names a key that is not among them, but then at most every half minute:
 *    tokens that name keys which do not exist make no storm of requests.
 * J2 However many requests want them at once, an isolate fetches at most `fetchesMax` times in half a minute. A request does not wait for
 *    the fetch of another: in Workers that may never end.
 * J3 Keys that cannot be fetched again are used for an hour; then nobody is let in by them.
 */
import { createLocalJWKSet, type JSONWebKeySet } from "jose";
import { AppError } from "../core/errors.ts";
import type { Clock } from "../core/ports.ts";

export type KeySet = ReturnType<typeof createLocalJWKSet>;

export interface JwksMemory {
  kept: { readonly keys: KeySet; readonly atMs: number } | undefined;
  /** When the last fetches began. */
  fetchedAtMs: number[];
}

export interface JwksParts {
  readonly url: string;
  readonly fetch: (url: string, init: RequestInit) => Promise<Response>;
  readonly clock: Clock;
  readonly memory: JwksMemory;
}

export interface Jwks {
  /** @throws identity_provider_unavailable (retry) */
  current(): Promise<KeySet>;
  /** Keys that are not the given ones; `undefined` when there are none, or it is not yet time to look. */
  newer(than: KeySet): Promise<KeySet | undefined>;
}

const freshMs = 10 * 60_000;
const staleMs = 60 * 60_000;
const cooldownMs = 30_000;
const fetchesMax = 5;
const timeoutMs = 3_000;
const bytesMax = 64 * 1024;

const isolate = new Map<string, JwksMemory>();

export function isolateMemory(url: string): JwksMemory {
  const known = isolate.get(url) ?? { kept: undefined, fetchedAtMs: [] };
  isolate.set(url, known);
  return known;
}

export function createJwks(parts: JwksParts): Jwks {
  const { memory, clock } = parts;
  const isYounger = (ageMs: number): boolean => memory.kept !== undefined && clock.now() - memory.kept.atMs < ageMs;

  async function load(): Promise<KeySet> {
    const now = clock.now();
    memory.fetchedAtMs = memory.fetchedAtMs.filter((atMs) => now - atMs < cooldownMs);
    if (memory.fetchedAtMs.length >= fetchesMax) throw unavailable("its keys were asked for too often just now");
    memory.fetchedAtMs.push(now);
    const keys = await fetchKeys(parts);
    memory.kept = { keys, atMs: clock.now() };
    return keys;
  }

  return {
    async current() {
      if (memory.kept !== undefined && isYounger(freshMs)) return memory.kept.keys;
      try {
        return await load();
      } catch (error) {
        if (memory.kept !== undefined && isYounger(staleMs)) return memory.kept.keys;
        throw error;
      }
    },
    async newer(than) {
      if (memory.kept !== undefined && memory.kept.keys !== than) return memory.kept.keys;
      if (isYounger(cooldownMs)) return undefined;
      return load().catch(() => undefined);
    },
  };
}

async function fetchKeys({ url, fetch }: JwksParts): Promise<KeySet> {
  try {
    const response = await fetch(url, {
      headers: { Accept: "application/jwk-set+json, application/json" },
      redirect: "manual",
      signal: AbortSignal.timeout(timeoutMs),
    });
    if (response.status !== 200) throw new Error(`status ${response.status}`);
    return createLocalJWKSet(JSON.parse(await readUpTo(response)) as JSONWebKeySet);
  } catch (cause) {
    throw unavailable("its keys could not be fetched", cause);
  }
}

async function readUpTo(response: Response): Promise<string> {
  const decoder = new TextDecoder();
  let text = "";
  let bytes = 0;
  for await (const chunk of response.body ?? []) {
    bytes += chunk.byteLength;
    if (bytes > bytesMax) throw new Error(`more than ${bytesMax} bytes`);
    text += decoder.decode(chunk, { stream: true });
  }
  return text + decoder.decode();
}

function unavailable(what: string, cause?: unknown): AppError {
  return new AppError("identity_provider_unavailable", `the identity provider is not there: ${what}`, {
    cause,
    retryAfterMs: cooldownMs / fetchesMax,
  });
}
