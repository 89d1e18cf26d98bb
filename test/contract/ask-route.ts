/** Asks a route as `route-access.ts` says that it is asked: by its owner, an operator or the queue, for what `plant` has made. */
import { LOCAL_INTERNAL_KEY } from "../../stack/app-bindings.ts";
import { sseEvents } from "../support/sse.ts";
import type { TestApp, TestCaller } from "../support/test-app.ts";
import { deliver } from "../support/tool-client.ts";
import { routeAccess, type Planted } from "./route-access.ts";

export const operatorHeaders = { "x-internal-key": LOCAL_INTERNAL_KEY } as const;

/** The path with the planted ids. */
export function pathOf(route: string, planted: Planted): string {
  const access = routeAccess[route];
  const at = access?.by === "identity" ? (access.at ?? {}) : {};
  return route.split(" ")[1]!.replace(/:(\w+)/g, (_, name: string) => {
    const value = planted[at[name] ?? name];
    if (value === undefined) throw new Error(`test/contract/planted-things.ts makes nothing for :${name} of ${route}`);
    return value;
  });
}

/** What the owner sends. */
export function ownersRequest(route: string, planted: Planted): RequestInit {
  const access = routeAccess[route];
  const [method = ""] = route.split(" ");
  if (access?.by !== "identity" || access.body === undefined) return { method };
  const headers = { "content-type": "application/json", ...access.headers };
  return { method, body: JSON.stringify(access.body(planted)), headers };
}

/** Everybody who gets through a route gets an answer that is no refusal. */
export async function askRoute(app: TestApp, route: string, owner: TestCaller, planted: Planted): Promise<Response> {
  const access = routeAccess[route];
  const path = pathOf(route, planted);
  if (access?.by === "operator") return app.fetch(path, { headers: operatorHeaders });
  if (access?.by !== "queue") return owner.fetch(path, ownersRequest(route, planted));
  const { body, query, headers = {} } = access.delivery(planted);
  const search = query === undefined ? "" : `?${new URLSearchParams(query).toString()}`;
  return deliver(app, `${path}${search}`, body, { headers });
}

/** Reads an answer to its end; one of events, which has none, up to the first event that was there before. */
export async function readAnswer(route: string, response: Response): Promise<void> {
  if (!response.ok || !route.endsWith("/events")) return void (await response.arrayBuffer());
  for await (const { id } of sseEvents(response)) if (id !== undefined) return;
  throw new Error(`${route} ended without an event`);
}
