/**
 * Stands in for `@upstash/core-analytics` in the bundle (see `alias` in scripts/build-worker.ts): `@upstash/ratelimit` loads it
 * always and uses it only with `analytics: true`, which we never set because each of its writes is billed.
 */
export class Analytics {
  constructor() {
    throw new Error("rate limit analytics are not part of this build");
  }
}
