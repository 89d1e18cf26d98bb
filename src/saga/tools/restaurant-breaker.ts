import type { BreakerRule } from "../../tool/tool.ts";

/** All tools of the restaurants need the same service. */
export const restaurantBreaker: BreakerRule = { name: "restaurants", failures: 5, openMs: 30_000 };

/** Of one user, for each tool. */
export const restaurantRate = { calls: 20, windowMs: 60_000 } as const;
