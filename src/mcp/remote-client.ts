/**
 * One conversation with an MCP server of somebody else's, by the official client: connect, ask, leave. It reaches out through the guarded fetch alone, listens to no stream
 * that the server would open by itself, and reads no more than a bounded answer.
 */
import { Client } from "@modelcontextprotocol/sdk/client/index.js";
import { StreamableHTTPClientTransport, StreamableHTTPError } from "@modelcontextprotocol/sdk/client/streamableHttp.js";
import type { RequestOptions } from "@modelcontextprotocol/sdk/shared/protocol.js";
import { ErrorCode, McpError } from "@modelcontextprotocol/sdk/types.js";
import { AppError } from "../core/errors.ts";
import { limits } from "../core/limits.ts";
import { EgressRefused } from "../tool/egress.ts";
import { guardedFetch, type Egress } from "../tool/guarded-fetch.ts";
import { trustingValidator } from "./trusting-validator.ts";

export interface RemoteServer {
  readonly url: string;
  readonly headers: Readonly<Record<string, string>>;
}

export interface Connection {
  readonly egress: Egress;
  readonly server: RemoteServer;
  readonly signal: AbortSignal;
}

/** Why nothing came of it. The words are for a user or a model; nothing of the server's own is in them but what its protocol calls a message. */
export class RemoteFailure extends Error {
  /** `away`: the same may work later. */
  readonly kind: "refused" | "away";
  /** Whether the server may have begun with what it was asked for. */
  readonly isBegun: boolean;

  constructor(kind: "refused" | "away", isBegun: boolean, words: string, cause?: unknown) {
    super(words, { cause });
    this.name = "RemoteFailure";
    this.kind = kind;
    this.isBegun = isBegun;
  }
}

/**
 * Costs four to five subrequests: the greeting, its confirmation, what is asked, and the end of the session where there is one; more where names are resolved.
 * @throws RemoteFailure
 */
export async function withRemote<T>(
  connection: Connection,
  ask: (client: Client, options: RequestOptions) => Promise<T>,
): Promise<T> {
  const { signal, server } = connection;
  const client = new Client({ name: "skipstone", version: "1.0.0" }, { jsonSchemaValidator: trustingValidator });
  let isBegun = false;
  try {
    const transport = transportOf(connection);
    await client.connect(transport, { signal, timeout: limits.mcpConnectMsMax });
    isBegun = true;
    const answer = await ask(client, {
      signal,
      timeout: limits.mcpCallMsMax,
      maxTotalTimeout: limits.mcpCallMsMax,
    });
    // The server forgets it by itself, too.
    await transport.terminateSession().catch(() => undefined);
    return answer;
  } catch (error) {
    throw failureOf(error, isBegun, server);
  } finally {
    await client.close();
  }
}

function transportOf({ egress, server, signal }: Connection): StreamableHTTPClientTransport {
  const url = URL.parse(server.url);
  if (url === null) throw new EgressRefused("That is no URL that can be fetched.");
  return new StreamableHTTPClientTransport(url, {
    requestInit: { headers: { ...server.headers } },
    reconnectionOptions: {
      maxRetries: 0,
      initialReconnectionDelay: 1,
      maxReconnectionDelay: 1,
      reconnectionDelayGrowFactor: 1,
    },
    fetch: async (target, init = {}) => {
      const { method = "GET", headers, body } = init;
      // What a server without such a stream would answer.
      if (method !== "POST" && method !== "DELETE") return new Response(null, { status: 405 });
      const { response } = await guardedFetch(egress, String(target), {
        method,
        headers: headers ?? {},
        body: body ?? null,
        signal: init.signal ? AbortSignal.any([signal, init.signal]) : signal,
        redirectsMax: 0,
      });
      return bounded(response);
    },
  });
}

function bounded(response: Response): Response {
  if (response.body === null) return response;
  let bytes = 0;
  const counted = response.body.pipeThrough(
    new TransformStream<Uint8Array, Uint8Array>({
      transform(chunk, controller) {
        bytes += chunk.byteLength;
        if (bytes <= limits.mcpAnswerBytesMax) controller.enqueue(chunk);
        else
          controller.error(
            new RemoteFailure("refused", true, `It answered more than ${limits.mcpAnswerBytesMax} bytes.`),
          );
      },
    }),
  );
  return new Response(counted, response);
}

/** The library's own errors quote what the server sent, which may be our secrets: they go no further, not into a log either. */
function failureOf(error: unknown, isBegun: boolean, server: RemoteServer): RemoteFailure {
  const failure = (kind: RemoteFailure["kind"], words: string): RemoteFailure =>
    new RemoteFailure(kind, isBegun, words, error instanceof AppError ? error : undefined);
  if (error instanceof RemoteFailure) return failure(error.kind, error.message);
  if (error instanceof EgressRefused) return failure("refused", error.message);
  if (error instanceof AppError)
    return failure(error.disposition === "retry" ? "away" : "refused", "It does not answer.");
  if (error instanceof StreamableHTTPError) return ofStatus(error.code ?? -1, failure);
  if (error instanceof McpError) {
    return lostCodes.has(error.code)
      ? failure("away", "It did not answer in time.")
      : failure("refused", hideSecrets(error.message, server.headers).slice(0, limits.toolErrorCharsMax));
  }
  return failure("refused", "It does not speak the protocol.");
}

const lostCodes: ReadonlySet<number> = new Set([ErrorCode.RequestTimeout, ErrorCode.ConnectionClosed]);

function ofStatus(
  status: number,
  failure: (kind: RemoteFailure["kind"], words: string) => RemoteFailure,
): RemoteFailure {
  if (status < 100) return failure("refused", "It does not speak the protocol.");
  if (status === 401 || status === 403) return failure("refused", `It does not let us in: HTTP ${status}.`);
  return failure(status === 429 || status >= 500 ? "away" : "refused", `It answered HTTP ${status}.`);
}

/** Shorter ones are no secrets, and would be found everywhere. */
const secretCharsMin = 8;

/** A text of the server's without the headers that it was sent, which it may repeat; also without the word behind `Bearer`. */
export function hideSecrets(text: string, headers: RemoteServer["headers"]): string {
  return Object.values(headers)
    .flatMap((value) => [value, ...value.split(" ")])
    .filter((secret) => secret.length >= secretCharsMin)
    .reduce((hidden, secret) => hidden.replaceAll(secret, "[secret]"), text);
}
