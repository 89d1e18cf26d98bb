/** MCP servers as a request names them become those that an agent keeps: each is asked what it offers. */
import { limits } from "../core/limits.ts";
import { AppError } from "../core/errors.ts";
import {
  remoteLimits,
  type McpHeaders,
  type McpServer,
  type McpServerDraft,
  type RemoteTool,
} from "../tool/remote-server.ts";

/** What a server offers, or why it cannot be used, in words. */
export type ListRemoteTools = (
  server: McpServerDraft,
  signal: AbortSignal,
) => Promise<
  { readonly kind: "listed"; readonly tools: RemoteTool[] } | { readonly kind: "unusable"; readonly words: string }
>;

export interface SettledServers {
  readonly mcpServers: McpServer[];
  readonly mcpHeaders: McpHeaders;
}

export interface ServersParts {
  readonly listRemoteTools: ListRemoteTools;
  /** Whether one of ours has the name. */
  readonly isTaken: (toolName: string) => boolean;
  readonly signal: AbortSignal;
}

/**
 * @param before the agent's headers so far: a server that is named without headers keeps those that it has for the same URL.
 * @throws bad_request (refuse) in words.
 */
export async function settleServers(
  { listRemoteTools, isTaken, signal }: ServersParts,
  drafts: readonly McpServerDraft[],
  before: McpHeaders = {},
): Promise<SettledServers> {
  const settled = await Promise.all(
    drafts.map(async (draft) => {
      const { name, url, tools } = draft;
      const known = before[name]?.url === url ? before[name].headers : {};
      const headers = draft.headers ?? known;
      const answer = await listRemoteTools({ ...draft, headers }, signal);
      if (answer.kind === "unusable") {
        throw new AppError(
          "bad_request",
          `The MCP server "${name}" cannot be used. ${answer.words}`.slice(0, limits.causeCharsMax),
        );
      }
      const headerNames = Object.keys(headers);
      const server = { name, url, ...(tools === undefined ? {} : { tools }), headerNames, remoteTools: answer.tools };
      return { server, headers };
    }),
  );
  const mcpServers = settled.map(({ server }) => server);
  checkTogether(mcpServers, isTaken);
  const secrets = settled.filter(({ server }) => server.headerNames.length > 0);
  const mcpHeaders = Object.fromEntries(
    secrets.map(({ server, headers }) => [server.name, { url: server.url, headers }]),
  );
  return { mcpServers, mcpHeaders };
}

function checkTogether(servers: readonly McpServer[], isTaken: ServersParts["isTaken"]): void {
  const tools = servers.flatMap(({ remoteTools }) => remoteTools);
  if (tools.length > remoteLimits.toolsMax) {
    throw refused(
      `The MCP servers have ${tools.length} tools; choose at most ${remoteLimits.toolsMax} of them by "tools".`,
    );
  }
  const chars = JSON.stringify(tools).length;
  if (chars > remoteLimits.describedCharsMax) {
    throw refused(
      `What the tools of the MCP servers say of themselves has ${chars} characters, more than the ${remoteLimits.describedCharsMax} allowed; choose fewer by "tools".`,
    );
  }
  const names = tools.map(({ name }) => name);
  const twice = names.find((name, index) => isTaken(name) || names.indexOf(name) !== index);
  if (twice !== undefined) throw refused(`Two tools would have the name "${twice}".`);
}

function refused(words: string): AppError {
  return new AppError("bad_request", words);
}
