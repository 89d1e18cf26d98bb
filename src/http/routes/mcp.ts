/** Our tools for other people's agents. */
import { Hono, type Context } from "hono";
import { createMiddleware } from "hono/factory";
import { chatAgentId } from "../../agent/chat-tools.ts";
import { faultIn, wellFormed } from "../../core/foreign-json.ts";
import { limits } from "../../core/limits.ts";
import { runTool } from "../../tool/run-tool.ts";
import { fullGrant } from "../../tool/tool-grant.ts";
import type { AppEnv } from "../app-env.ts";
import { identityOf, requireIdentity } from "../middleware/identity.ts";
import { readText } from "../read-json.ts";
import { relay } from "../relay.ts";

/** Mounted at `/api/mcp`. */
export function mcpRoutes() {
  return new Hono<AppEnv>().use("*", requireIdentity(), onlyPost()).post("/", mcp);
}

/**
 * A client waits for nobody's word, so a tool that always needs one is not shown to it, and a call that needs one is refused; who may use the route may use the rest.
 */
async function mcp(c: Context<AppEnv>): Promise<Response> {
  const { userId } = identityOf(c);
  const { registry, tools } = await c.get("wire").queuedTools();
  const body = await readText(c, limits.mcpBodyBytesMax);
  if (isBatch(body)) return refuse(c, "A batch is not taken here: send one message in each request.");
  const fault = faultIn(body);
  if (fault !== undefined) return refuse(c, `The message has ${fault}.`);
  const request = new Request(c.req.url, { method: "POST", headers: c.req.raw.headers, body: wellFormed(body) });
  const served = {
    describe: () => registry.describe(fullGrant).filter(({ approval }) => approval !== "always"),
    call: ({ key, ...call }: { readonly name: string; readonly argumentsJson: string; readonly key?: string }) =>
      runTool(registry, call, {
        ...tools,
        userId,
        agentId: chatAgentId,
        callKey: `mcp ${key ?? tools.random.uuid()}`,
        grant: fullGrant,
        isApproved: false,
        signal: c.req.raw.signal,
      }),
  };
  const { serveMcp } = await import("../../mcp/serve-tools.ts");
  return relay(c, await serveMcp(served, request));
}

/** A list of messages would be counted as one request, and has no place in the protocol any more. */
function isBatch(body: string): boolean {
  return body.trimStart().startsWith("[");
}

/** Source: JSON-RPC 2.0, 5.1: Invalid Request, of which no id is known. */
function refuse(c: Context<AppEnv>, message: string): Response {
  return c.json({ jsonrpc: "2.0", error: { code: -32600, message }, id: null }, 400);
}

/** There is no session that could be listened to or ended; by this a client knows. */
function onlyPost() {
  return createMiddleware<AppEnv>(async (c, next) => {
    if (c.req.method === "POST") return next();
    c.header("Allow", "POST");
    return c.body(null, 405);
  });
}
