import type { Context } from "hono";
import type { AppEnv } from "./app-env.ts";

export type Endpoint = (c: Context<AppEnv>) => Response | Promise<Response>;

/** An endpoint that is loaded by the first request that needs it: a new isolate need not parse what most requests never ask for. */
export function late(load: () => Promise<Endpoint>): (c: Context<AppEnv>) => Promise<Response> {
  return async (c) => (await load())(c);
}
