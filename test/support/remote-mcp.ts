/** An MCP server of somebody else's in this process, by the official library: without sessions, answering in event streams. */
import { McpServer } from "@modelcontextprotocol/sdk/server/mcp.js";
import { WebStandardStreamableHTTPServerTransport } from "@modelcontextprotocol/sdk/server/webStandardStreamableHttp.js";
import { serveFetch } from "./serve-fetch.ts";

type Register = (server: McpServer) => void;

export interface RemoteMcp {
  readonly url: string;
  /** `host:port`, as EGRESS_ALLOWED_HOSTS has it. */
  readonly host: string;
  /** Methods of the protocol that were asked for, and the headers of the last request. */
  readonly asked: string[];
  readonly headers: () => Headers;
  /** Gives it other tools. */
  offer(register: Register): void;
  /** Answers in its place, where it answers at all. */
  intercept(
    answer: ((method: string, request: Request) => Response | undefined | Promise<Response | undefined>) | undefined,
  ): void;
  close(): Promise<void>;
}

export async function startRemoteMcp(register: Register): Promise<RemoteMcp> {
  let offered = register;
  let headers = new Headers();
  let intercepting: Parameters<RemoteMcp["intercept"]>[0];
  const asked: string[] = [];
  const served = await serveFetch(async (request) => {
    headers = request.headers;
    const text = await request.text();
    const { method = request.method } = JSON.parse(text || "{}") as { method?: string };
    asked.push(method);
    const instead = await intercepting?.(method, request);
    if (instead !== undefined) return instead;
    const server = new McpServer({ name: "remote", version: "1" });
    offered(server);
    const transport = new WebStandardStreamableHTTPServerTransport({});
    await server.connect(transport);
    return transport.handleRequest(
      new Request(request.url, { method: request.method, headers, ...(text === "" ? {} : { body: text }) }),
    );
  });
  return {
    url: `${served.url}/mcp`,
    host: new URL(served.url).host,
    asked,
    headers: () => headers,
    offer: (next) => void (offered = next),
    intercept: (answer) => void (intercepting = answer),
    close: served.close,
  };
}
