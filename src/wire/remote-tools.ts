/** The tools of an agent's MCP servers, wired: beside ours in its registry, and listed when it is saved. */
import type { Agent } from "../agent/run/agent.ts";
import type { ListRemoteTools } from "../http/agent-servers.ts";
import { remoteTools } from "../mcp/remote-tools.ts";
import type { Egress } from "../tool/guarded-fetch.ts";
import { createToolRegistry, type ToolRegistry } from "../tool/registry.ts";
import { appTools, toolRegistry, type ToolServices } from "./tools.ts";

/** Ours and those of the agent's servers. */
export function registryOf({ id, mcpServers = [] }: Pick<Agent, "id" | "mcpServers">): ToolRegistry<ToolServices> {
  if (mcpServers.length === 0) return toolRegistry;
  // One of ours that came later has the name, or no run of this agent could go on.
  const remote = remoteTools(id, mcpServers).filter(({ name }) => toolRegistry.get(name) === undefined);
  return createToolRegistry<ToolServices>([...appTools, ...remote]);
}

export function remoteLister(egress: Egress): ListRemoteTools {
  return async (server, signal) => {
    const [{ listRemoteTools }, { RemoteFailure }] = await Promise.all([
      import("../mcp/list-remote-tools.ts"),
      import("../mcp/remote-client.ts"),
    ]);
    const connection = { egress, server: { url: server.url, headers: server.headers ?? {} }, signal };
    try {
      return { kind: "listed", tools: await listRemoteTools(connection, server) };
    } catch (error) {
      if (error instanceof RemoteFailure) return { kind: "unusable", words: error.message };
      throw error;
    }
  };
}
