/**
 * Tools of other people's MCP servers as tools of ours: same checks, same ledger, same bounds, and a person's word before each call of those that do not only read.
 *
 * A server cannot be trusted to know our idempotency keys. So where the connection breaks off once it was asked to act, the call has failed for good, in words, unless the server says
 * that the tool may be repeated.
 */
import { Validator } from "@cfworker/json-schema";
import type { CallToolResult } from "@modelcontextprotocol/sdk/types.js";
import { AppError } from "../core/errors.ts";
import { parseForeignJson } from "../core/foreign-json.ts";
import { asJson } from "../core/json.ts";
import { limits } from "../core/limits.ts";
import type { EgressServices } from "../tool/http-fetch.ts";
import type { McpServer, McpServices, RemoteTool } from "../tool/remote-server.ts";
import { failed, ok, type AnyTool, type ReadInput, type ToolContext, type ToolResult } from "../tool/tool.ts";
import type { RemoteServer } from "./remote-client.ts";

type RemoteServices = EgressServices & McpServices;

/** What a caller must have been granted. */
const remoteScope = "mcp:call";

/** The same each time for the same servers; nothing is asked of them. */
export function remoteTools(agentId: string, servers: readonly McpServer[]): AnyTool<RemoteServices>[] {
  return servers.flatMap((server) => server.remoteTools.map((tool) => asTool(agentId, server, tool)));
}

function asTool(agentId: string, server: McpServer, tool: RemoteTool): AnyTool<RemoteServices> {
  const isReading = tool.effect === "read";
  return {
    name: tool.name,
    description: tool.description,
    effect: tool.effect,
    scopes: [remoteScope],
    timeoutMs: limits.mcpToolMsMax,
    retries: 0,
    approval: isReading ? "never" : "always",
    rate: undefined,
    concurrency: undefined,
    // Of this agent of this user: nobody closes a server to others by how they use it.
    breaker: { name: `mcp:${agentId}:${server.name}`, failures: 5, openMs: 30_000, isPerUser: true },
    inputSchema: () => tool.inputSchema,
    readInput: (value) => readInput(tool.inputSchema, value),
    needsApproval: () => !isReading,
    execute: (context, input) => callTool(server, tool, context, input as Record<string, unknown>),
    undo: undefined,
  };
}

function readInput(schema: Record<string, unknown>, value: unknown): ReadInput {
  const { valid, errors } = new Validator(schema, "2020-12", false).validate(value);
  if (valid) return { kind: "ok", value };
  const problems = errors.slice(-problemsMax).map(({ instanceLocation, keyword, error }) => ({
    pointer: instanceLocation.replace(/^#/, ""),
    detail: keyword === "false" ? "is not known here" : error.slice(0, problemCharsMax),
  }));
  return { kind: "misfit", problems };
}

/** The innermost ones, which stand last, say most. */
const problemsMax = 5;
const problemCharsMax = 200;

async function callTool(
  server: McpServer,
  tool: RemoteTool,
  context: ToolContext<RemoteServices>,
  input: Record<string, unknown>,
): Promise<ToolResult> {
  const { services, signal, idempotencyKey } = context;
  const headers = await headersFor(server, context);
  if (headers === undefined) {
    return failed(`The MCP server ${server.name} was changed or taken away since this run began.`);
  }
  const { RemoteFailure, withRemote } = await import("./remote-client.ts");
  const remote: RemoteServer = { url: server.url, headers };
  try {
    const params = {
      name: tool.remoteName,
      arguments: input,
      _meta: { "skipstone/idempotency-key": idempotencyKey },
    };
    const result = await withRemote({ egress: services.egress, server: remote, signal }, (client, options) =>
      client.callTool(params, undefined, options),
    );
    return await answerOf(result as CallToolResult, remote);
  } catch (error) {
    if (!(error instanceof RemoteFailure)) throw error;
    const said = `The MCP server ${server.name} did not do it. ${error.message}`;
    if (error.kind === "refused") return failed(said);
    if (!error.isBegun || tool.isRepeatable) throw new AppError("partner_unavailable", said, { cause: error });
    return failed(
      `The MCP server ${server.name} broke off. ${error.message} Whether it did what was asked is not known: look before you ask again.`,
    );
  }
}

/** A run keeps its agent's servers as they were; the secrets are those of today, and go to no other URL than that for which they were given. */
async function headersFor(
  { name, url, headerNames }: McpServer,
  { services, userId, agentId }: ToolContext<RemoteServices>,
): Promise<Readonly<Record<string, string>> | undefined> {
  if (headerNames.length === 0) return {};
  const kept = (await services.mcpHeaders({ userId, agentId }))?.[name];
  return kept?.url === url ? kept.headers : undefined;
}

async function answerOf(
  { isError, content, structuredContent }: CallToolResult,
  remote: RemoteServer,
): Promise<ToolResult> {
  const { hideSecrets } = await import("./remote-client.ts");
  const text = hideSecrets(content.map(textOf).join("\n"), remote.headers);
  if (isError === true)
    return failed(text.slice(0, limits.toolErrorCharsMax) || "The tool failed and did not say why.");
  const json = hideSecrets(asJson(structuredContent)?.text ?? "", remote.headers);
  const value = json.length <= answerCharsMax ? parseForeignJson(json) : undefined;
  if (value !== undefined) return ok(value);
  return ok(text.length <= answerCharsMax ? { text } : { text: text.slice(0, answerCharsMax), isCut: true });
}

/** As JSON, in the worst case, three bytes a character and something around it. */
const answerCharsMax = Math.floor(limits.toolOutputBytesMax / 3) - 128;

/** What is no text is named and left out: a model reads words. */
function textOf(part: CallToolResult["content"][number]): string {
  if (part.type === "text") return part.text;
  if (part.type === "resource" && "text" in part.resource) return part.resource.text;
  if (part.type === "resource_link") return `[${part.uri}]`;
  return part.type === "resource" ? `[${part.resource.uri}]` : `[${part.type} ${part.mimeType}]`;
}
