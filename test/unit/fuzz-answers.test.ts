/** What others answer and what people write into files, fed with chance and with near misses as in `fuzz-parsers.test.ts`. */
import * as fc from "fast-check";
import { describe, expect, it } from "vitest";
import { mergeVars, readVars } from "../../scripts/environment/vars-text.ts";
import { AppError } from "../../src/core/errors.ts";
import { listRemoteTools } from "../../src/mcp/list-remote-tools.ts";
import { RemoteFailure } from "../../src/mcp/remote-client.ts";
import { remoteTools } from "../../src/mcp/remote-tools.ts";
import { openAiEmbedder } from "../../src/model/openai-embedder.ts";
import { dnsOverHttps } from "../../src/system/dns-over-https.ts";
import type { Egress } from "../../src/tool/guarded-fetch.ts";
import type { RemoteTool } from "../../src/tool/remote-server.ts";
import { expectOnly, numRuns, spoiled, timeout } from "../support/fuzz.ts";

const isApp =
  (...codes: string[]) =>
  (thrown: unknown): boolean =>
    thrown instanceof AppError && codes.includes(thrown.code);

describe("the answer", () => {
  it("of a resolver is a list of texts, or the name cannot be looked up", { timeout }, () => {
    const seeds = [
      '{"Status":0,"Answer":[{"type":5,"data":"alias.example."},{"type":1,"data":"93.184.215.14"}]}',
      '{"Status":3}',
    ];
    return expectOnly(
      spoiled(seeds),
      async (text) => {
        const lookUp = dnsOverHttps({ url: "https://dns.example/q", fetch: async () => new Response(text) });
        const found = await lookUp("example.com", new AbortController().signal);
        expect(found.every((address) => typeof address === "string")).toBe(true);
      },
      isApp("partner_unavailable"),
    );
  });

  it("of an embedding endpoint is a vector for each text, or garbled", { timeout }, () => {
    const seeds = [
      '{"data":[{"index":0,"embedding":[0.1,-2e3]},{"index":1,"embedding":[1,2]}]}',
      '{"data":[{"index":4294967295,"embedding":[1]},{"index":-1,"embedding":[]}]}',
    ];
    return expectOnly(
      spoiled(seeds),
      async (text) => {
        const fetch = async () => new Response(text);
        const options = { baseUrl: "https://e.example/v1", apiKey: "k", modelName: "m", dimensions: undefined, fetch };
        const vectors = await openAiEmbedder(options).embed(["one", "two"], new AbortController().signal);
        expect(vectors).toHaveLength(2);
        expect(vectors[0]!.length).toBe(vectors[1]!.length);
      },
      isApp("model_garbled", "model_unavailable"),
    );
  });
});

describe("the answers of an MCP server", () => {
  /** Each to another question than ours is waited for. */
  const runs = Math.min(numRuns, 20_000);
  const patienceMs = 20;
  const longer = { timeout: timeout + runs * 2 * patienceMs };
  const url = "https://mcp.example/mcp";
  const rpc = (id: number, result: unknown) => JSON.stringify({ jsonrpc: "2.0", id, result });
  const greeting = rpc(0, {
    protocolVersion: "2025-06-18",
    capabilities: { tools: {} },
    serverInfo: { name: "notes", version: "1" },
  });
  const tool = { name: "find", description: "Finds.", inputSchema: { type: "object", properties: {} } };

  /** A server that answers these in turn, and the last of them for ever. */
  function egressTo(...answers: readonly [string, ...string[]]): Egress {
    const left = [...answers];
    const fetch = async (_url: string, { body }: RequestInit): Promise<Response> =>
      typeof body === "string" && body.includes('"id"')
        ? new Response(left.length > 1 ? left.shift() : left[0], { headers: { "content-type": "application/json" } })
        : new Response(null, { status: 202 });
    return { fetch, resolve: undefined, allowedHosts: new Set(["mcp.example"]) };
  }

  it("are a list of tools, or a failure in words", longer, () => {
    const seeds = [rpc(1, { tools: [tool] }), rpc(1, { tools: [tool], nextCursor: "2" }), greeting];
    return expectOnly(
      spoiled(seeds),
      async (text) => {
        for (const egress of [egressTo(greeting, text), egressTo(text)]) {
          const connection = { egress, server: { url, headers: {} }, signal: AbortSignal.timeout(patienceMs) };
          await listRemoteTools(connection, { name: "notes" }).then(
            (found) => expect(found.every(({ name }) => /^notes_[a-z0-9_]+$/.test(name))).toBe(true),
            (thrown: unknown) => expect(thrown).toBeInstanceOf(RemoteFailure),
          );
        }
      },
      () => false,
      runs,
    );
  });

  it("are what a tool answers, or its failure in words", longer, () => {
    const seeds = [
      rpc(1, { content: [{ type: "text", text: "found" }], structuredContent: { a: 1 } }),
      rpc(1, { isError: true, content: [{ type: "resource_link", uri: "a:b", name: "a" }] }),
      '{"jsonrpc":"2.0","id":1,"error":{"code":-32602,"message":"no"}}',
    ];
    const [find] = remoteTools("agt_1", [
      {
        name: "notes",
        url,
        headerNames: [],
        remoteTools: [
          { ...tool, name: "notes_find", remoteName: "find", effect: "read", isRepeatable: true } satisfies RemoteTool,
        ],
      },
    ]);
    return expectOnly(
      spoiled(seeds),
      async (text) => {
        const services = { egress: egressTo(greeting, text), mcpHeaders: async () => undefined };
        const context = { services, signal: AbortSignal.timeout(patienceMs), idempotencyKey: "once" };
        const { kind } = await find!.execute(context as never, {});
        expect(["ok", "failed"]).toContain(kind);
      },
      isApp("partner_unavailable"),
      runs,
    );
  });
});

describe("a .dev.vars", () => {
  const text = spoiled([
    "# comment\nexport A=1\nB = 'two # three' # four\n",
    'A="x"\r\nA=y\r\n',
    "APP_URL=http://127.0.0.1:8787\n=\n",
  ]);

  it("of any text is read, and gives back each value that was written into it", { timeout }, () => {
    fc.assert(
      fc.property(text, text, (before, value) => {
        readVars(before);
        let after: string;
        try {
          after = mergeVars(before, new Map([["A", value]]));
        } catch (thrown) {
          expect((thrown as Error).message).toBe("The value of A cannot be written to a file.");
          return;
        }
        expect(readVars(after).get("A")).toBe(value);
        for (const [name, other] of readVars(before)) if (name !== "A") expect(readVars(after).get(name)).toBe(other);
      }),
      { numRuns },
    );
  });
});
