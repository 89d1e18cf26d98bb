/** `npm run setup -- --push` with the real wrangler, which talks to a server of this test in the place of Cloudflare's. */
import { execFile } from "node:child_process";
import { mkdtempSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { createServer, type Server } from "node:http";
import type { AddressInfo } from "node:net";
import { tmpdir } from "node:os";
import path from "node:path";
import { text } from "node:stream/consumers";
import { promisify } from "node:util";
import { afterAll, afterEach, beforeAll, beforeEach, describe, expect, it } from "vitest";
import { readVars } from "../../scripts/environment/vars-text.ts";
import { startStack, type RunningStack } from "../../stack/start-stack.ts";
import { setupAnswers } from "../support/setup-answers.ts";

interface Seen {
  readonly route: string;
  readonly authorization: string | undefined;
  readonly secrets: Readonly<Record<string, string>>;
  /** The arguments of every process of this machine, at that moment. */
  readonly processes: string;
}

let stack: RunningStack;
let cloudflare: Server;
let isRefusing = false;
let seen: Seen[] = [];
let folder: string;
let file: string;
beforeAll(async () => {
  stack = await startStack();
  cloudflare = createServer((request, response) => {
    void (async () => {
      const sent = await text(request);
      // Of a refused token wrangler asks whose it is.
      if (request.method === "GET") return response.writeHead(403).end("{}");
      const body = JSON.parse(sent) as { secrets: Record<string, { text: string }> };
      seen.push({
        route: `${request.method} ${request.url}`,
        authorization: request.headers.authorization,
        secrets: Object.fromEntries(Object.entries(body.secrets).map(([name, secret]) => [name, secret.text])),
        processes: (await promisify(execFile)("ps", ["axww", "-o", "args"], { maxBuffer: 2 ** 24 })).stdout,
      });
      response.statusCode = isRefusing ? 403 : 200;
      const errors = isRefusing ? [{ code: 10_000, message: "Authentication error" }] : [];
      response.setHeader("content-type", "application/json");
      return response.end(JSON.stringify({ success: !isRefusing, errors, messages: [], result: {} }));
    })();
  });
  await new Promise<void>((resolve) => cloudflare.listen(0, "127.0.0.1", resolve));
});
beforeEach(() => {
  folder = mkdtempSync(path.join(tmpdir(), "push-"));
  file = path.join(folder, ".dev.vars.production");
  isRefusing = false;
  seen = [];
});
afterEach(() => rmSync(folder, { recursive: true }));
afterAll(async () => {
  await stack.close();
  await new Promise((resolve) => cloudflare.close(resolve));
});

async function push(over: Readonly<Record<string, string>> = {}): Promise<{ exitCode: number; shown: string }> {
  const { port } = cloudflare.address() as AddressInfo;
  const env = {
    PATH: process.env["PATH"],
    HOME: folder,
    CLOUDFLARE_API_BASE_URL: `http://127.0.0.1:${port}/client/v4`,
    CLOUDFLARE_API_TOKEN: "cloudflare-token",
    CLOUDFLARE_ACCOUNT_ID: "account",
    WRANGLER_SEND_METRICS: "false",
    WRANGLER_HIDE_BANNER: "true",
    ...setupAnswers(stack, "https://chat.example.com"),
    ...over,
  };
  return new Promise((resolve) => {
    const args = ["scripts/setup/main.ts", "--yes", "--push", "--file", file];
    const child = execFile(process.execPath, args, { env }, (_error, stdout, stderr) =>
      resolve({ exitCode: child.exitCode ?? -1, shown: stdout + stderr }),
    );
  });
}

describe("pushing", { timeout: 60_000 }, () => {
  it("makes all that the file holds secrets of the Worker, as those of production; the plan is none of them, and nobody is shown a value", async () => {
    writeFileSync(file, "WORKERS_PLAN=paid\nENVIRONMENT=development\nLOG_LEVEL=debug\nEMBEDDING_NAME=\n");
    const { exitCode, shown } = await push();
    expect(exitCode, shown).toBe(0);
    const {
      WORKERS_PLAN: plan,
      EMBEDDING_NAME: empty,
      ...rest
    } = Object.fromEntries(readVars(readFileSync(file, "utf8")));
    expect([plan, empty, rest["ENVIRONMENT"]]).toEqual(["paid", "", "development"]);
    expect(seen).toHaveLength(1);
    expect(seen[0]).toMatchObject({
      route: "PATCH /client/v4/accounts/account/workers/scripts/skipstone/secrets-bulk",
      authorization: "Bearer cloudflare-token",
    });
    expect(seen[0]!.secrets).toEqual({ ...rest, ENVIRONMENT: "production" });
    expect(Object.keys(rest)).toEqual(expect.arrayContaining(["SESSION_SECRET", "ENCRYPTION_KEYS", "QSTASH_TOKEN"]));
    expect(seen[0]!.processes).toContain("secret bulk");
    const secrets = Object.entries(rest).filter(([name]) => /TOKEN|KEY|SECRET/.test(name));
    for (const [name, value] of secrets) expect(seen[0]!.processes + shown, name).not.toContain(value);
  });

  it("that Cloudflare refuses exits 1, and says how to sign in; the file is written", async () => {
    isRefusing = true;
    const { exitCode, shown } = await push();
    expect(exitCode).toBe(1);
    expect(shown).toContain("npx wrangler login");
    expect(readVars(readFileSync(file, "utf8")).get("MODEL_NAME")).toBe("offline");
  });

  it.each([
    ["the address of this machine", { APP_URL: "http://127.0.0.1:8787" }, "APP_URL is http://127.0.0.1:8787, which"],
    ["an address of its network", { APP_URL: "https://chat.corp" }, "APP_URL is https://chat.corp, which"],
    ["what a Worker would refuse", { LINE: "LOG_LEVEL=loud" }, "the line LOG_LEVEL=info in /"],
    ["what a Worker in production refuses", { LINE: "SKIP_SIGNATURES=1" }, "SKIP_SIGNATURES lets in deliveries"],
  ])("%s sends nothing, and says why", async (_what, { LINE: line = "", ...over }: Record<string, string>, words) => {
    writeFileSync(file, `${line}\n`);
    const { exitCode, shown } = await push(over);
    expect(exitCode).toBe(1);
    expect(shown).toContain(words);
    expect(shown).toContain("Nothing was pushed.");
    expect(seen).toEqual([]);
  });
});
