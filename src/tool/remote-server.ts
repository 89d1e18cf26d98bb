/**
 * MCP servers of others whose tools an agent may use: as a user names them, and as the agent keeps them.
 *
 * What they offer is kept with the agent, for a run must see the same tools whenever it is repeated. Their headers are secrets: they are kept apart from the agent, which is
 * shown and becomes part of runs.
 */
import * as z from "zod/mini";
import { limits } from "../core/limits.ts";
import { isToolName, type ToolEffect } from "./tool.ts";

export const remoteLimits = {
  serversMax: 4,
  /** Of all servers of one agent. */
  toolsMax: 32,
  toolNameCharsMax: 128,
  headersMax: 8,
  headerValueCharsMax: 2_048,
  descriptionCharsMax: 1_000,
  schemaCharsMax: 6_000,
  /** All of them together, as they stand in a prompt beside our own. */
  describedCharsMax: 12_000,
} as const;

/** What belongs to the request itself, and what the protocol sets. */
const takenHeader = /^(?:accept|connection|content-.*|host|keep-alive|mcp-.*|te|trailer|transfer-encoding|upgrade)$/i;

const fields = {
  /** The first word of its tools' names. */
  name: z.string().check(z.regex(/^[a-z][a-z0-9]{0,23}$/)),
  url: z.string().check(z.minLength(1), z.maxLength(limits.urlCharsMax)),
  /** Names, as the server has them, of the tools that are used; all of them without it. */
  tools: z
    .array(z.string().check(z.minLength(1), z.maxLength(remoteLimits.toolNameCharsMax)))
    .check(z.maxLength(remoteLimits.toolsMax)),
};

const HeaderName = z.string().check(
  z.regex(/^[A-Za-z0-9-]{1,64}$/),
  z.refine((name) => !takenHeader.test(name)),
);
const HeaderValue = z
  .string()
  .check(z.maxLength(remoteLimits.headerValueCharsMax), z.regex(/^[\x21-\x7e](?:[\x20-\x7e]*[\x21-\x7e])?$/));

const McpServerDraft = z.strictObject({
  name: fields.name,
  url: fields.url,
  tools: z.optional(fields.tools),
  /** Sent with each request. In a change they stay where they are left out and the URL is the same. */
  headers: z.optional(
    z
      .record(HeaderName, HeaderValue)
      .check(z.refine((headers) => Object.keys(headers).length <= remoteLimits.headersMax)),
  ),
});
export type McpServerDraft = z.infer<typeof McpServerDraft>;

export const McpServerDrafts = z.array(McpServerDraft).check(
  z.maxLength(remoteLimits.serversMax),
  z.refine((servers) => new Set(servers.map(({ name }) => name)).size === servers.length),
);

const RemoteTool = z.strictObject({
  /** As an agent calls it: the server's name, `_`, and the tool's own name as far as ours may look like it. */
  name: z.string().check(z.refine(isToolName)),
  remoteName: z.string(),
  description: z.string(),
  /** JSON Schema, without what could not be checked in bounded time. */
  inputSchema: z.record(z.string(), z.unknown()),
  /** By the server's own word: `read` for what it says only reads. */
  effect: z.enum(["read", "write"] satisfies ToolEffect[]),
  /** Whether the server says that doing it twice is as good as once. */
  isRepeatable: z.boolean(),
});
export type RemoteTool = z.infer<typeof RemoteTool>;

export const McpServer = z.strictObject({
  name: fields.name,
  url: fields.url,
  tools: z.optional(fields.tools),
  /** Of the headers that are sent; their values are not shown. */
  headerNames: z.array(z.string()),
  remoteTools: z.array(RemoteTool),
});
export type McpServer = z.infer<typeof McpServer>;

/** Of an agent, by the server's name. They are sent to this URL and to no other. */
export type McpHeaders = Readonly<
  Record<string, { readonly url: string; readonly headers: Readonly<Record<string, string>> }>
>;

export interface McpServices {
  /** `undefined` when there is no such agent any more. 1 round trip, 1 billed command. */
  readonly mcpHeaders: (owner: {
    readonly userId: string;
    readonly agentId: string;
  }) => Promise<McpHeaders | undefined>;
}
