/** What the app logs: each line with its ids, and none with a secret or with what people say. The output of every other test's app is searched for its keys, and for what it gave out, when it closes. */
import { createServer, type Server } from "node:http";
import type { AddressInfo } from "node:net";
import { afterAll, beforeAll, describe, expect, it } from "vitest";
import * as z from "zod/mini";
import { defineRun } from "../../src/engine/run-definition.ts";
import { actingTools } from "../support/acting-tools.ts";
import { forgetLimits } from "../support/forget-limits.ts";
import { runClient } from "../support/run-client.ts";
import { linesWith, secretsAmong } from "../support/secret-lines.ts";
import { startTestApp, type TestApp, type TestCaller } from "../support/test-app.ts";
import { queueTool } from "../support/tool-client.ts";
import { plant, plantedRuns, secretWords } from "./planted-things.ts";
import { routeAccess, type Planted } from "./route-access.ts";

/** Defective. */
const broken = defineRun({
  name: "broken",
  version: 1,
  input: z.object({}),
  run: () => Promise.reject(new TypeError("a defect of this run")),
});

const tools = actingTools();
let app: TestApp;
let owner: TestCaller;
let planted: Planted;
let chatty: Server;
const operatorKey = "an-operators-key-that-is-planted-here";
const presented = "a-token-that-somebody-presents-0123456789";

beforeAll(async () => {
  // Says in its error what it was told, as some providers do.
  chatty = createServer((request, response) => {
    let body = "";
    request.on("data", (chunk: Buffer) => (body += chunk.toString()));
    request.on("end", () => {
      const message = `${request.headers.authorization} may not say ${body}`;
      response.writeHead(400, { "content-type": "application/json" });
      response.end(JSON.stringify({ error: { message, type: "invalid_request_error", code: "content_filter" } }));
    });
  });
  await new Promise<void>((resolve) => chatty.listen(0, "127.0.0.1", resolve));
  app = await startTestApp({
    definitions: [...plantedRuns, broken],
    tools: [tools.make("act")],
    time: "stack",
    bindings: { INTERNAL_SYSTEM_KEY: operatorKey, MODEL_API_KEY: "sk-planted-model-key-4711", LOG_LEVEL: "debug" },
  });
});
afterAll(async () => {
  await app.close();
  await new Promise((resolve) => chatty.close(resolve));
});

const endsOwner = /^DELETE \/api\/(?:sessions|memory$)/;

/** Bodies that hold the words where a route takes text, where it takes none, and where there is no JSON at all. */
function bodiesOf(route: string): string[] {
  const access = routeAccess[route];
  const accepted = access?.by === "identity" ? access.body?.(planted) : undefined;
  const whole = accepted === undefined ? [] : [JSON.stringify(accepted)];
  const wordy = {
    ...(accepted as object | undefined),
    [secretWords]: secretWords,
    name: secretWords,
    goal: secretWords,
  };
  const call = {
    jsonrpc: "2.0",
    id: 1,
    method: "tools/call",
    params: { name: secretWords, arguments: { secretWords } },
  };
  return [...whole, JSON.stringify(wordy), JSON.stringify(call), `{"broken": "${secretWords}`];
}

async function ask(as: TestApp["fetch"], route: string, body: string, headers: HeadersInit): Promise<void> {
  const [method = "", template = ""] = route.split(" ");
  const path = template.replace(/:(\w+)/g, (_, name: string) => planted[name] ?? "");
  const query = `?cursor=${encodeURIComponent(secretWords)}&after=${encodeURIComponent(secretWords)}`;
  const left = new AbortController();
  const init = method === "GET" ? {} : { body };
  const response = await as(`${path}${query}`, {
    method,
    signal: left.signal,
    headers: { "content-type": "application/json", ...(headers as Record<string, string>) },
    ...init,
  });
  if (!response.headers.get("content-type")?.startsWith("text/event-stream")) await response.arrayBuffer();
  else await response.body?.cancel();
  left.abort();
}

interface Line {
  readonly message: string;
  readonly requestId?: string;
  readonly runId?: string;
  readonly segment?: unknown;
  readonly route?: string;
  readonly method?: string;
}

const parsed = (): Line[] => app.logLines.map((line) => JSON.parse(line) as Line);

describe("the log", () => {
  it(
    "of every route holds no key, token, message or input, whoever asks and whatever fails",
    { timeout: 120_000 },
    async () => {
      // Those last that end the owner's session, or the owner.
      const routes = Object.keys(routeAccess).toSorted((a, b) => Number(endsOwner.test(a)) - Number(endsOwner.test(b)));
      const tokens: string[] = [];
      for (const fault of [
        undefined,
        { server: "redis", action: "status", status: 500 },
        { server: "qstash", action: "drop-before" },
      ] as const) {
        owner = await app.signIn();
        planted = await plant(app, owner);
        tokens.push(owner.cookie.split("=")[1]!);
        if (fault !== undefined) app.stack.faults.add(fault);
        for (const route of routes) {
          // The limiter would refuse most of it; without Redis it counts nothing. What waits goes on.
          if (fault?.server !== "redis") await forgetLimits(app.stack);
          await app.stack.clock.advance(61_000);
          const bodies = bodiesOf(route);
          for (const body of bodies) await ask(owner.fetch, route, body, {});
          await ask(app.fetch, route, bodies.at(-1)!, { "x-internal-key": operatorKey });
          await ask(app.fetch, route, bodies[0]!, {
            authorization: `Bearer ${presented}`,
            "upstash-signature": presented,
          });
          await ask(app.fetch, route, bodies[0]!, { cookie: `session=${presented}`, "idempotency-key": secretWords });
        }
        app.stack.faults.clear();
        await app.settled();
      }
      const seen = new Set(parsed().map(({ method, route }) => `${method} ${route}`));
      expect(routes.filter((route) => !seen.has(route))).toEqual([]);
      const secrets = [secretWords, presented, ...tokens, ...secretsAmong({ ...envOf() })];
      expect(linesWith(app.logLines, secrets)).toEqual([]);
    },
  );

  it("of a model that repeats in its error what it was told holds the error's code, and neither the words nor the key", async () => {
    const before = app.logLines.length;
    app.rebind({ MODEL_BASE_URL: `http://127.0.0.1:${(chatty.address() as AddressInfo).port}/v1` });
    const who = await app.signIn();
    await (await who.chat("c", "m-1", secretWords)).text();
    expect((await who.fetch("/api/models")).status).toBeGreaterThanOrEqual(400);
    const lines = app.logLines.slice(before);
    expect(linesWith(lines, ["a model call failed"])[0]).toContain("content_filter");
    expect(linesWith(lines, [secretWords, "sk-planted-model-key-4711"])).toEqual([]);
  });

  it("of a queued call that breaks names its execution, and the request that brought it", async () => {
    tools.behave = () => {
      throw new TypeError("a defect of this tool");
    };
    const { executionId } = await queueTool(await app.signIn(), "act", { parameters: { count: 1 } });
    await app.settled();
    const line = parsed().find(({ message }) => message === "tool threw");
    expect(line).toMatchObject({ executionId, requestId: expect.any(String) as string });
  });

  it("names the request, the run and the segment where there is one", async () => {
    const runs = runClient(await app.signIn());
    const runId = await runs.start("broken");
    await app.settled();
    const ofRun = parsed().filter((line) => line.runId === runId);
    expect(ofRun.map(({ message }) => message)).toContain("a run is parked");
    for (const line of ofRun) {
      expect(line).toMatchObject({ requestId: expect.any(String) as string, segment: expect.any(String) as string });
    }
    const ofTurn = parsed().find(({ message }) => message === "a turn failed");
    expect(ofTurn).toMatchObject({
      requestId: expect.any(String) as string,
      runId: expect.stringMatching(/^run_/) as string,
      segment: expect.any(Number) as number,
    });
  });
});

/** What the app has been given that guards it. */
function envOf(): Record<string, unknown> {
  const { stack } = app;
  return {
    INTERNAL_SYSTEM_KEY: operatorKey,
    MODEL_API_KEY: "sk-planted-model-key-4711",
    REDIS_TOKEN: stack.redisToken,
    QSTASH_TOKEN: stack.qstashToken,
    CURRENT_KEY: stack.currentSigningKey,
    NEXT_KEY: stack.nextSigningKey,
  };
}
