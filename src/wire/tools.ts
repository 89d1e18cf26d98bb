import type { SagaServices } from "../saga/saga-services.ts";
import { restaurantTools } from "../saga/tools/restaurant-tools.ts";
import { dnsOverHttps } from "../system/dns-over-https.ts";
import { restaurantClient } from "../system/restaurant-client.ts";
import { builtInTools, type BuiltInServices } from "../tool/built-in.ts";
import type { ToolParts } from "../tool/call-context.ts";
import type { Egress } from "../tool/guarded-fetch.ts";
import { createToolRegistry } from "../tool/registry.ts";
import type { McpServices } from "../tool/remote-server.ts";
import { upstashToolGuard } from "../upstash/tool-guard.ts";
import { upstashToolLedger } from "../upstash/tool-ledger.ts";
import type { Adapters } from "./adapters.ts";

/** What the tools of this app are given. */
export type ToolServices = BuiltInServices & SagaServices & McpServices;

/** Every tool of this app; an agent may have those of MCP servers beside them. */
export const appTools = [...builtInTools, ...restaurantTools];
export const toolRegistry = createToolRegistry<ToolServices>(appTools);

export function createTools(
  adapters: Adapters,
  others: Pick<ToolServices, "facts" | "reminders">,
): ToolParts<ToolServices> {
  const { config, redis, clock, random, pause, log } = adapters;
  const restaurants = restaurantClient({ url: config.restaurantUrl, fetch: adapters.fetch });
  return {
    services: { ...others, restaurants, egress: createEgress(adapters), mcpHeaders: lateHeaders(adapters) },
    ledger: upstashToolLedger(redis),
    guard: upstashToolGuard(redis, clock),
    clock,
    random,
    pause,
    log,
  };
}

/** Only calls of remote tools read agents: chats do without that code. */
function lateHeaders({ redis }: Adapters): McpServices["mcpHeaders"] {
  return async ({ userId, agentId }) => {
    const { upstashAgentStore } = await import("../upstash/agent-store.ts");
    return upstashAgentStore(redis).mcpHeaders(userId, agentId);
  };
}

function createEgress({ config, fetch }: Adapters): Egress {
  const { dnsUrl, allowedHosts } = config.egress;
  return { fetch, allowedHosts, resolve: dnsUrl === undefined ? undefined : dnsOverHttps({ url: dnsUrl, fetch }) };
}
