/**
 * The parsers at the fronts, fed with chance and with near misses as in `fuzz-parsers.test.ts`: bodies and cookies of the app, and what the local stack reads from its sockets.
 */
import { Hono } from "hono";
import { describe, expect, it } from "vitest";
import * as z from "zod/mini";
import { AppError } from "../../src/core/errors.ts";
import { createRunRegistry } from "../../src/engine/run-definition.ts";
import { replayRun } from "../../src/engine/run-file.ts";
import { readJson } from "../../src/http/read-json.ts";
import { ChatBody } from "../../src/http/routes/chat-endpoints.ts";
import { foldMessages } from "../../src/memory/message.ts";
import { Secret } from "../../src/core/secret.ts";
import { createSessionTokens } from "../../src/session/session-token.ts";
import { createSigner } from "../../src/session/signer.ts";
import { systemRandom } from "../../src/system/random.ts";
import { ApiError } from "../../stack/qstash/api-error.ts";
import { parseCron } from "../../stack/qstash/cron.ts";
import { readOptions } from "../../stack/qstash/publish-options.ts";
import { readRequest } from "../../stack/redis/request.ts";
import { encodeReply, type Reply } from "../../stack/redis/resp.ts";
import { RespParser } from "../../stack/redis/resp-parser.ts";
import { expectOnly as expectAnswers, spoiled, timeout } from "../support/fuzz.ts";

const nowMs = 1_800_000_000_000;

const seeds = [
  '{"id":"c1","messages":[{"id":"m1","role":"user","parts":[{"type":"text","text":"hi"}]}]}',
  '{"id":"c1","messages":[{"role":"assistant","parts":[{"state":"approval-responded","approval":{"id":"a","approved":true}}]}]}',
  "usr_0123456789abcdef0123456789abcdef.c2VjcmV0.9999999999.c2ln",
  "*2\r\n$3\r\nfoo\r\n:12\r\n",
  "-ERR no\r\n+OK\r\n$-1\r\n*-1\r\n",
  '["SET","k",1]',
  '[["GET","k"],["INCR","n"]]',
  "/set/k/v%20w?EX=1",
  "CRON_TZ=Europe/Lisbon */5 * * * *",
  "60s",
  "max(1000, pow(2, retried) * 100)",
];
const text = spoiled(seeds);
const expectOnly = (parse: (input: string) => unknown, isDocumented?: (thrown: unknown) => boolean): Promise<void> =>
  expectAnswers(text, parse, isDocumented);

const isBadOption = (thrown: unknown): boolean => thrown instanceof ApiError && thrown.status < 500;

describe("the app's front", () => {
  it("reads a body, or refuses it as too large, no JSON, or not what the route takes", { timeout }, async () => {
    const app = new Hono();
    const codes = new Set<string>();
    app.post("/", async (c) => c.json(await readJson(c, ChatBody, { bytesMax: 150 })));
    app.onError((error, c) => {
      if (!(error instanceof AppError) || error.disposition !== "refuse") throw error;
      codes.add(error.code);
      return c.body(null, 400);
    });
    const headers = { "content-type": "application/json" };
    await expectOnly((body) => app.request("/", { method: "POST", headers, body }));
    expect(codes).toEqual(new Set(["bad_request", "malformed_json", "body_too_large"]));
  });

  it("takes no session cookie made of chance", { timeout }, async () => {
    const signer = createSigner(new Secret("a secret for tests that is long enough"));
    const tokens = createSessionTokens({ signer, clock: { now: () => nowMs }, random: systemRandom });
    await expectOnly(async (cookie) => expect(["none", "forged"]).toContain((await tokens.read(cookie)).kind));
  });

  it("reads stored messages, and leaves out what is none", { timeout }, () =>
    expectOnly((entry) => expect(foldMessages([entry, ...entry.split("\n")])).toBeInstanceOf(Array)),
  );

  it("replays a run file of chance to an outcome", { timeout }, () => {
    const registry = createRunRegistry<undefined>([]);
    const run = { runId: "run_0", userId: "usr_0", services: undefined };
    return expectOnly(async (entry) => {
      const outcome = await replayRun(registry, { ...run, journal: [entry, ...entry.split("\n")] });
      expect(z.enum(["same", "diverged"]).safeParse(outcome.kind).success).toBe(true);
    });
  });
});

describe("the stack's front", () => {
  it("reads a Redis request over REST as a command, or says that it is malformed", { timeout }, () =>
    expectOnly((input) => {
      const body = Buffer.from(input);
      for (const path of ["/", "/pipeline", "/multi-exec", `/${input}`]) {
        const { kind } = readRequest({ method: "POST", path, query: input, body });
        expect(["command", "pipeline", "transaction", "malformed"]).toContain(kind);
      }
    }),
  );

  it("reads RESP the same however it is cut, or refuses it", { timeout }, () =>
    expectOnly((input) => {
      const bytes = Buffer.from(input);
      expect(readReplies(bytes, 1)).toEqual(readReplies(bytes, Math.max(1, bytes.length)));
    }),
  );

  it("reads cron, or refuses it as the caller's mistake", { timeout }, () =>
    expectOnly((cron) => parseCron(cron, nowMs), isBadOption),
  );

  it("reads the headers of a message, or refuses them as the caller's mistake", { timeout }, () => {
    const names = ["method", "retries", "timeout", "delay", "not-before", "retry-delay", "callback", "label"];
    const more = ["flow-control-key", "flow-control-value", "redact-fields", "failure-callback"];
    return expectOnly((value) => {
      for (const name of [...names, ...more]) {
        try {
          readOptions({ [`upstash-${name}`]: value }, nowMs);
        } catch (thrown) {
          if (!isBadOption(thrown)) throw thrown;
        }
      }
    });
  });
});

/** All replies before the refusal, if there is one, in their own notation. */
function readReplies(bytes: Buffer, size: number): { replies: string[]; isRefused: boolean } {
  const replies: string[] = [];
  const parser = new RespParser((reply: Reply) => replies.push(encodeReply(reply).toString("latin1")));
  try {
    for (let at = 0; at < bytes.length; at += size) parser.push(bytes.subarray(at, at + size));
  } catch {
    return { replies, isRefused: true };
  }
  return { replies, isRefused: false };
}
