/**
 * What need not be asked twice: first in the isolate, then in the storage that all isolates share.
 *
 * K1 Every value but `undefined` is kept: `null`, 0, "", and false are values.
 * K2 Of those who miss a value at once one computes. The others take the stale value where there is one; else they wait, ask again, and compute for themselves
 *    when that takes too long or the one has died.
 * K3 What was invalidated comes back in no isolate's storage, also when it was being computed: the claim, or the stamp of its tags, is another one then. This isolate
 *    forgets it at once; others go on with what they remember for `nearMs` at most.
 * K4 A storage that fails, or a text that cannot be opened, costs the computing, and is no failure. An invalidation that fails is one.
 * K5 Promises are shared within one request alone: the connections of one request may not be waited for by another.
 */
import { asAppError } from "../core/errors.ts";
import type { JsonValue } from "../core/json.ts";
import { limits } from "../core/limits.ts";
import { invariant, type Clock, type Log, type Random } from "../core/ports.ts";
import { isCacheName, type CachePlace, type CacheStore, type StoredText } from "./cache-store.ts";
import type { IsolateCache } from "./isolate-cache.ts";

export interface CacheRule {
  /** Until it is computed anew. */
  readonly freshMs: number;
  /** How long after that it will do for those who do not compute it. */
  readonly staleMs?: number;
  /** How long an isolate goes on with what it remembers, whatever others invalidate. */
  readonly nearMs?: number;
}

export interface Cache {
  /** `undefined` for nothing; nothing stale. */
  get<T extends JsonValue>(place: CachePlace): Promise<T | undefined>;
  set(place: CachePlace, value: JsonValue, rule: CacheRule): Promise<void>;
  invalidate(place: CachePlace): Promise<void>;
  invalidateTag(tag: Pick<CachePlace, "owner"> & { readonly tag: string }): Promise<void>;
  /** `undefined` is given back and not kept. @throws what `compute` throws. */
  withCache<T extends JsonValue | undefined>(place: CachePlace, rule: CacheRule, compute: () => Promise<T>): Promise<T>;
}

export interface CacheParts {
  readonly store: CacheStore;
  readonly isolate: IsolateCache;
  readonly clock: Clock;
  readonly random: Random;
  readonly pause: (ms: number, signal: AbortSignal) => Promise<void>;
  readonly log: Log;
}

/** As it is stored. */
interface Kept {
  readonly value: JsonValue;
  /** Unix ms. */
  readonly fresh: number;
  readonly near: number;
  readonly stamp: string;
}

/** One for each request. */
export function createCache(parts: CacheParts): Cache {
  const { store, isolate, clock } = parts;
  /** Of this request. */
  const underWay = new Map<string, Promise<JsonValue | undefined>>();

  /** A miss is `undefined`; what is remembered here comes back as a copy that nobody shares. */
  async function get(place: CachePlace): Promise<JsonValue | undefined> {
    checkPlace(place);
    const near = isolate.get(keyOf(place), clock.now());
    if (near !== undefined) return JSON.parse(near) as JsonValue;
    const moment = isolate.moment();
    const found = await orNothing(parts, store.read(place));
    const kept = found && readKept(found);
    if (kept === undefined || kept.fresh <= clock.now()) return undefined;
    remember(parts, place, kept, moment);
    return kept.value;
  }

  return {
    get: get as Cache["get"],
    async set(place, value, rule) {
      checkPlace(place);
      const moment = isolate.moment();
      const stamp = place.tags?.length ? (await store.read(place)).stamp : "";
      const kept = keptNow(value, rule, stamp, clock.now());
      await store.put(place, textOf(kept), ttlOf(rule));
      remember(parts, place, kept, moment);
    },
    async invalidate(place) {
      checkPlace(place);
      underWay.delete(keyOf(place));
      isolate.forget(keyOf(place));
      await store.forget(place);
      // Who read in between remembers what was there before.
      isolate.forget(keyOf(place));
    },
    async invalidateTag(tag) {
      underWay.clear();
      isolate.forgetTag(tagOf(tag.owner, tag.tag));
      await store.forgetTag(tag, limits.cacheTtlMsMax + limits.cacheLeaseMs);
      isolate.forgetTag(tagOf(tag.owner, tag.tag));
    },
    async withCache<T extends JsonValue | undefined>(
      place: CachePlace,
      rule: CacheRule,
      compute: () => Promise<T>,
    ): Promise<T> {
      const known = await get(place);
      if (known !== undefined) return known as T;
      const shared = underWay.get(keyOf(place));
      if (shared !== undefined) return structuredClone(await shared) as T;
      const work = computeOnce(parts, { place, rule, compute });
      underWay.set(keyOf(place), work);
      try {
        return (await work) as T;
      } finally {
        if (underWay.get(keyOf(place)) === work) underWay.delete(keyOf(place));
      }
    },
  };
}

interface Wanted {
  readonly place: CachePlace;
  readonly rule: CacheRule;
  readonly compute: () => Promise<JsonValue | undefined>;
}

/** Claims until the claim or a value is there, for `cacheWaitMs` at most. */
async function computeOnce(parts: CacheParts, wanted: Wanted): Promise<JsonValue | undefined> {
  const { store, clock, pause, random } = parts;
  const token = random.uuid();
  const until = clock.now() + limits.cacheWaitMs;
  for (;;) {
    const moment = parts.isolate.moment();
    const found = await orNothing(parts, store.claim(wanted.place, token, limits.cacheLeaseMs));
    if (found === undefined) return wanted.compute();
    const kept = readKept(found);
    const isFresh = kept !== undefined && kept.fresh > clock.now();
    if (found.isMine && isFresh) await orNothing(parts, store.release(wanted.place, token));
    else if (found.isMine) return fillWith(parts, wanted, { token, stamp: found.stamp, moment });
    if (isFresh) remember(parts, wanted.place, kept, moment);
    if (kept !== undefined) return kept.value;
    if (clock.now() >= until) return wanted.compute();
    await pause(limits.cacheAskAgainMs, new AbortController().signal);
  }
}

interface Claim {
  readonly token: string;
  readonly stamp: string;
  readonly moment: number;
}

async function fillWith(
  parts: CacheParts,
  { place, rule, compute }: Wanted,
  { token, stamp, moment }: Claim,
): Promise<JsonValue | undefined> {
  const { store, clock } = parts;
  let value: JsonValue | undefined;
  try {
    value = await compute();
  } catch (error) {
    await orNothing(parts, store.release(place, token));
    throw error;
  }
  const kept = value === undefined ? undefined : keptNow(value, rule, stamp, clock.now());
  const text = kept === undefined ? "" : textOf(kept);
  if (kept === undefined || text.length > limits.cacheValueCharsMax) {
    await orNothing(parts, store.release(place, token));
    return value;
  }
  if ((await orNothing(parts, store.complete(place, token, text, ttlOf(rule)))) === true)
    remember(parts, place, kept, moment);
  return value;
}

/** Nothing where the storage fails. */
async function orNothing<T>({ log }: CacheParts, asked: Promise<T>): Promise<T | undefined> {
  try {
    return await asked;
  } catch (thrown) {
    const { code } = asAppError(thrown);
    if (code !== "redis_unavailable") throw thrown;
    log.warn("the cache is not reached; what it would save is done", { code });
    return undefined;
  }
}

function remember({ isolate, clock }: CacheParts, place: CachePlace, kept: Kept, moment: number): void {
  const until = Math.min(kept.fresh, clock.now() + kept.near);
  const tags = (place.tags ?? []).map((tag) => tagOf(place.owner, tag));
  isolate.put({ key: keyOf(place), text: JSON.stringify(kept.value), until, tags }, moment);
}

function keptNow(value: JsonValue, { freshMs, nearMs = 0 }: CacheRule, stamp: string, nowMs: number): Kept {
  return { value, fresh: nowMs + freshMs, near: nearMs, stamp };
}

/** `undefined` also for what was invalidated by a tag. */
function readKept({ text, stamp }: StoredText): Kept | undefined {
  if (text === undefined) return undefined;
  const kept = JSON.parse(text) as Kept;
  return kept.stamp === stamp ? kept : undefined;
}

function textOf(kept: Kept): string {
  return JSON.stringify(kept);
}

function ttlOf({ freshMs, staleMs = 0 }: CacheRule): number {
  const ttlMs = freshMs + staleMs;
  invariant(freshMs > 0 && staleMs >= 0 && ttlMs <= limits.cacheTtlMsMax, "a value is kept for at most cacheTtlMsMax");
  return ttlMs;
}

function checkPlace({ name, tags = [] }: CachePlace): void {
  invariant(
    [name, ...tags].every(isCacheName),
    "names and tags of the cache hold nothing that means something in a key",
  );
  invariant(tags.length <= limits.cacheTagsMax, "a cached value has at most cacheTagsMax tags");
}

function keyOf({ owner = "", name }: CachePlace): string {
  return `${owner}:${name}`;
}

function tagOf(owner: string | undefined, tag: string): string {
  return `${owner ?? ""}:${tag}`;
}
