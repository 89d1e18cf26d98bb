/** What a server offers, as an agent keeps it. */
import type { Tool } from "@modelcontextprotocol/sdk/types.js";
import { remoteLimits, type McpServerDraft, type RemoteTool } from "../tool/remote-server.ts";
import { plainSchema } from "./plain-schema.ts";
import { RemoteFailure, withRemote, type Connection } from "./remote-client.ts";

const pagesMax = 8;

/** @throws RemoteFailure in words, also when what it offers cannot be used. */
export async function listRemoteTools(
  connection: Connection,
  { name, tools: wanted }: Pick<McpServerDraft, "name" | "tools">,
): Promise<RemoteTool[]> {
  const offered = await withRemote(connection, async (client, options) => {
    const all: Tool[] = [];
    let cursor: string | undefined;
    for (let page = 0; page < pagesMax; page += 1) {
      const { tools, nextCursor } = await client.listTools(cursor === undefined ? {} : { cursor }, options);
      all.push(...tools);
      if (nextCursor === undefined) return all;
      cursor = nextCursor;
    }
    throw unusable(`It lists its tools on more than ${pagesMax} pages.`);
  });
  const missing = wanted?.find((tool) => !offered.some((other) => other.name === tool));
  if (missing !== undefined) throw unusable(`It has no tool "${missing}".`);
  const used = wanted === undefined ? offered : offered.filter((tool) => wanted.includes(tool.name));
  if (used.length > remoteLimits.toolsMax) {
    throw unusable(`It has ${used.length} tools; choose at most ${remoteLimits.toolsMax} of them by "tools".`);
  }
  return used.map((tool) => remoteTool(name, tool));
}

function remoteTool(server: string, { name, description, inputSchema, annotations }: Tool): RemoteTool {
  const schema = plainSchema(inputSchema);
  if (schema === undefined || JSON.stringify(schema).length > remoteLimits.schemaCharsMax) {
    throw unusable(`The input schema of its tool "${name.slice(0, remoteLimits.toolNameCharsMax)}" is too large.`);
  }
  if (name === "" || name.length > remoteLimits.toolNameCharsMax)
    throw unusable("One of its tools has no usable name.");
  const isReading = annotations?.readOnlyHint === true;
  return {
    name: `${server}_${name.toLowerCase().replaceAll(/[^a-z0-9_]/g, "_")}`.slice(0, 64),
    remoteName: name,
    description: (description ?? annotations?.title ?? name).slice(0, remoteLimits.descriptionCharsMax),
    inputSchema: schema,
    effect: isReading ? "read" : "write",
    isRepeatable: isReading || annotations?.idempotentHint === true,
  };
}

function unusable(words: string): RemoteFailure {
  return new RemoteFailure("refused", false, words);
}
