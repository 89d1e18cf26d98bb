/**
 * Our tools as an MCP server: the official one over its web-standard transport. It keeps no session, so any isolate may answer any request, and answers with JSON, since
 * a tool has nothing to say before it is done.
 */
import { McpServer } from "@modelcontextprotocol/sdk/server/mcp.js";
import { WebStandardStreamableHTTPServerTransport } from "@modelcontextprotocol/sdk/server/webStandardStreamableHttp.js";
import {
  CallToolRequestSchema,
  ListToolsRequestSchema,
  type CallToolResult,
  type Tool,
} from "@modelcontextprotocol/sdk/types.js";
import { limits } from "../core/limits.ts";
import type { ToolDescription } from "../tool/registry.ts";
import type { ToolResult } from "../tool/tool.ts";
import { trustingValidator } from "./trusting-validator.ts";

export interface McpTools {
  readonly describe: () => readonly ToolDescription[];
  /** @param key names the call where the caller has named it: repeated under it, a tool that acts does so once. */
  readonly call: (call: {
    readonly name: string;
    readonly argumentsJson: string;
    readonly key?: string;
  }) => Promise<ToolResult>;
}

/** Answers one request of a client. */
export async function serveMcp(tools: McpTools, request: Request): Promise<Response> {
  const { server } = new McpServer(
    { name: "skipstone", version: "1.0.0" },
    { capabilities: { tools: {} }, jsonSchemaValidator: trustingValidator },
  );
  server.setRequestHandler(ListToolsRequestSchema, () => ({ tools: tools.describe().map(shownTool) }));
  server.setRequestHandler(CallToolRequestSchema, async ({ params }) => {
    const { name, arguments: input = {}, _meta } = params;
    const key = _meta?.[idempotencyKeyField];
    const isNamed = typeof key === "string" && key !== "" && key.length <= limits.deduplicationIdCharsMax;
    return answer(await tools.call({ name, argumentsJson: JSON.stringify(input), ...(isNamed ? { key } : {}) }));
  });
  const transport = new WebStandardStreamableHTTPServerTransport({
    enableJsonResponse: true,
    maxRequestBodySize: limits.mcpBodyBytesMax,
  });
  await server.connect(transport);
  try {
    return await transport.handleRequest(request);
  } finally {
    await server.close();
  }
}

/** In `_meta` of a call. */
const idempotencyKeyField = "skipstone/idempotency-key";

function shownTool({ name, description, inputSchema, effect }: ToolDescription): Tool {
  return {
    name,
    description,
    inputSchema: { ...inputSchema, type: "object" },
    annotations: { readOnlyHint: effect === "read", destructiveHint: effect === "money", openWorldHint: true },
  };
}

function answer(result: ToolResult): CallToolResult {
  if (result.kind === "failed") return { isError: true, content: [{ type: "text", text: result.errorText }] };
  return { content: [{ type: "text", text: JSON.stringify(result.output) }] };
}
