import type { RunningStack } from "../../stack/start-stack.ts";
import { redisCommand } from "./run-client.ts";

/** Nobody has asked for anything yet, to the limiters: they go by the system's clock, which no test moves. */
export async function forgetLimits(stack: RunningStack): Promise<void> {
  const keys = (await redisCommand(stack, ["KEYS", "ratelimit:*"])) as string[];
  if (keys.length > 0) await redisCommand(stack, ["DEL", ...keys]);
}
