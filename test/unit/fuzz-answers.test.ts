/** What others answer and what people write into files, fed with chance and with near misses as in `fuzz-parsers.test.ts`. */
import * as fc from "fast-check";
import { describe, expect, it } from "vitest";
import { mergeVars, readVars } from "../../scripts/environment/vars-text.ts";
import { AppError } from "../../src/core/errors.ts";
import { listRemoteTools } from "../../src/mcp/list-remote-tools.ts";
import { RemoteFailure } from "../../src/mcp/remote-client.ts";
import { openAiEmbedder } from "../../src/model/openai-embedder.ts";
import { dnsOverHttps } from "../../src/system/dns-over-https.ts";
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

  /** Each that answers another question than ours is waited for. */
  const mcpRuns = Math.min(numRuns, 20_000);
  const patienceMs = 20;

  it(
    "of an MCP server is a list of tools, or a failure in words",
    { timeout: timeout + mcpRuns * 2 * patienceMs },
    () => {
      const greeting = {
        protocolVersion: "2025-06-18",
        capabilities: { tools: {} },
        serverInfo: { name: "notes", version: "1" },
      };
      const tools = [{ name: "find", description: "Finds.", inputSchema: { type: "object", properties: {} } }];
      const rpc = (id: number, result: unknown) => JSON.stringify({ jsonrpc: "2.0", id, result });
      return expectOnly(
        spoiled([rpc(1, { tools }), rpc(1, { tools, nextCursor: "2" }), rpc(0, greeting)]),
        async (text) => {
          const answers = [rpc(0, greeting), text];
          for (const answer of [answers, [text]]) {
            const left = [...answer];
            const fetch = async (_url: string, { body }: RequestInit): Promise<Response> =>
              typeof body === "string" && body.includes('"id"')
                ? new Response(left.shift() ?? text, { headers: { "content-type": "application/json" } })
                : new Response(null, { status: 202 });
            const egress = { fetch, resolve: undefined, allowedHosts: new Set(["mcp.example"]) };
            const server = { url: "https://mcp.example/mcp", headers: { authorization: "Bearer a-secret-word" } };
            const connection = { egress, server, signal: AbortSignal.timeout(patienceMs) };
            await listRemoteTools(connection, { name: "notes" }).then(
              (found) => expect(found.every(({ name }) => /^notes_[a-z0-9_]+$/.test(name))).toBe(true),
              (thrown: unknown) => expect(thrown).toBeInstanceOf(RemoteFailure),
            );
          }
        },
        () => false,
        mcpRuns,
      );
    },
  );
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
