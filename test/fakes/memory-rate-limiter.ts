import { limits } from "../../src/core/limits.ts";
import type { Clock } from "../../src/core/ports.ts";
import { limiterMax, type RateLimiter } from "../../src/limit/limiter.ts";

/** The weighted sliding window of the real limiter: the last window counts for the part of it that still overlaps. */
export function memoryRateLimiter(clock: Clock): RateLimiter {
  const counts = new Map<string, number>();
  const windowMs = limits.limiterWindowMs;
  return {
    async take(name, caller) {
      const now = clock.now();
      const window = Math.floor(now / windowMs);
      const keyOf = (index: number) => `${name} ${caller} ${index}`;
      const current = counts.get(keyOf(window)) ?? 0;
      const previous = Math.floor((1 - (now % windowMs) / windowMs) * (counts.get(keyOf(window - 1)) ?? 0));
      const limit = limiterMax[name];
      const resetAtMs = (window + 1) * windowMs;
      if (previous + current >= limit) {
        return { name, kind: "exhausted", limit, remaining: 0, resetAtMs, retryAfterMs: Math.max(1, resetAtMs - now) };
      }
      counts.set(keyOf(window), current + 1);
      const remaining = Math.max(0, limit - (current + 1 + previous));
      return { name, kind: "allowed", limit, remaining, resetAtMs, retryAfterMs: 0 };
    },
  };
}
