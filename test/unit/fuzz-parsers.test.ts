/**
 * Every parser of bytes from outside, fed with chance and with near misses: it answers a value or its word for "no", or throws the one error that it documents.
 *
 * `RUNS=1000000 npm run fuzz` is the long run; a failure prints the seed and the smallest input.
 */
import * as fc from "fast-check";
import { describe, expect, it } from "vitest";
import { parsePlace } from "../../src/agent/follow-conversation.ts";
import { parseApprovalId } from "../../src/agent/run/approval-id.ts";
import { jsonIn } from "../../src/agent/run/plan.ts";
import { ConfigError, parseConfig } from "../../src/config.ts";
import { AppError } from "../../src/core/errors.ts";
import { isAgentId, isClientId, isRunId, isUserId } from "../../src/core/ids.ts";
import { Secret } from "../../src/core/secret.ts";
import { foldRun } from "../../src/engine/fold-run.ts";
import { parseEntry } from "../../src/engine/journal-entry.ts";
import { parseLearnedBudget } from "../../src/engine/learned-budget.ts";
import { parseEventId } from "../../src/event/event-id.ts";
import { parseRecord } from "../../src/event/log-record.ts";
import { parseRunNotice } from "../../src/event/run-notice.ts";
import { parseMessageCursor } from "../../src/memory/message-page.ts";
import { decodeVector } from "../../src/memory/vector.ts";
import { createAnswerDecoder } from "../../src/model/answer-decoder.ts";
import { readChunk } from "../../src/model/completion-chunk.ts";
import { listDeadLetters } from "../../src/ops/list-dead-letters.ts";
import { noDeadMessages } from "../../src/ops/dead-messages.ts";
import { cronProblem } from "../../src/schedule/cron.ts";
import { decodeBase64Url } from "../../src/session/base64-url.ts";
import { admitUrl, EgressRefused } from "../../src/tool/egress.ts";
import { evaluateExpression } from "../../src/tool/expression.ts";
import { qstashVerifier } from "../../src/upstash/signature.ts";

const numRuns = Number(process.env["RUNS"] ?? 300);
const timeout = Math.max(20_000, numRuns);

/** What a parser is meant for, for chance to spoil. */
const seeds = [
  "5-17",
  "1795638478471 0 o 1795638478471 ~1.k.aaaa",
  '- 0 1 signal {"id":"s-1","name":"other"}',
  'seg 1 2 opened {"leaseMs":30000}',
  '{"choices":[{"delta":{"content":"hi"},"finish_reason":"stop"}],"usage":{"prompt_tokens":1,"completion_tokens":2}}',
  '{"choices":[{"delta":{"tool_calls":[{"index":0,"id":"a","function":{"name":"f","arguments":"{"}}]}}]}',
  "*/5 0-6 1,2 JAN-DEC MON#2",
  "eyJhbGciOiJIUzI1NiJ9.eyJpc3MiOiJVcHN0YXNoIn0.c2ln",
  "run_0123456789abcdef0123456789abcdef:plan#2",
  "r1795638478471-3",
  "http://0x7f.1:80/../@[::ffff:10.0.0.1]",
  'Here is the plan: ```json\n{"steps": [{"tool": "x"}]}\n```',
  "sqrt(2) * (1 + pi) ^ -3 % max(1, 2)",
  '{"gpt-5-mini":{"input":0.25,"output":2}}',
];

const spoiled = fc
  .tuple(fc.constantFrom(...seeds), fc.nat(), fc.nat({ max: 8 }), fc.string({ unit: "binary", maxLength: 6 }))
  .map(([seed, at, cut, put]) => {
    const place = at % (seed.length + 1);
    return seed.slice(0, place) + put + seed.slice(place + cut);
  });
const text = fc.oneof(
  { weight: 3, arbitrary: spoiled },
  { weight: 2, arbitrary: fc.string({ unit: "binary", maxLength: 200 }) },
  { weight: 1, arbitrary: fc.json({ maxDepth: 6 }) },
  { weight: 1, arbitrary: fc.nat({ max: 4_000 }).map((length) => "[".repeat(length)) },
);

/** Runs a parser; an error of the documented kind counts as an answer. */
function expectAnswer(parse: (input: string) => unknown, isDocumented: (thrown: unknown) => boolean = () => false) {
  fc.assert(
    fc.property(text, (input) => {
      try {
        parse(input);
      } catch (thrown) {
        if (!isDocumented(thrown)) throw thrown;
      }
    }),
    { numRuns },
  );
}

const isApp =
  (...codes: string[]) =>
  (thrown: unknown): boolean =>
    thrown instanceof AppError && codes.includes(thrown.code);

describe("a parser that says no by a value", () => {
  it.each<[string, (input: string) => unknown]>([
    ["ids of events", parseEventId],
    ["places in a conversation", parsePlace],
    ["records of the event list", parseRecord],
    ["notices of runs", parseRunNotice],
    ["entries of a journal", parseEntry],
    ["a whole journal", (input) => foldRun([input, ...input.split("\n")])],
    ["learned budgets", parseLearnedBudget],
    ["cursors of messages", parseMessageCursor],
    ["vectors", decodeVector],
    ["base64url", decodeBase64Url],
    ["ids of approvals", parseApprovalId],
    ["JSON in a model's answer", jsonIn],
    ["cron", (input) => cronProblem(input, "Europe/Lisbon", 1_800_000_000_000)],
    ["time zones", (input) => cronProblem("0 9 * * *", input, 1_800_000_000_000)],
    ["ids", (input) => [isUserId(input), isRunId(input), isClientId(input), isAgentId(input)]],
  ])("never throws: %s", { timeout }, (_what, parse) => expectAnswer(parse));
});

describe("a parser that says no by an error", () => {
  it("throws model errors alone: chunks of a model's answer", { timeout }, () =>
    expectAnswer(readChunk, isApp("model_garbled", "model_unavailable", "model_rejected", "model_rate_limited")),
  );

  it("throws EgressRefused alone: URLs for tools", { timeout }, () =>
    expectAnswer(
      (input) => admitUrl(input, new Set()),
      (thrown) => thrown instanceof EgressRefused,
    ),
  );

  it("throws a problem in words: expressions", { timeout }, () =>
    expectAnswer(evaluateExpression, (thrown) => thrown instanceof Error && !(thrown instanceof RangeError)),
  );

  it("throws ConfigError alone, which quotes no value: the environment", { timeout }, () =>
    expectAnswer(
      (input) => parseConfig({ MODEL_PRICES: input, ALERT_THRESHOLDS: input, APP_URL: input, ENCRYPTION_KEYS: input }),
      (thrown) => thrown instanceof ConfigError,
    ),
  );

  it("throws invalid_cursor alone: places in the list of dead letters", { timeout }, async () => {
    const parts = {
      parked: { page: async () => [], among: async () => [] },
      journal: { readMany: async () => [] },
      runIndex: { page: async () => [] },
      messages: noDeadMessages,
    };
    await fc.assert(
      fc.asyncProperty(text, async (cursor) => {
        const thrown: unknown = await listDeadLetters(parts, "all", cursor).catch((error: unknown) => error);
        expect(!(thrown instanceof Error) || isApp("invalid_cursor")(thrown)).toBe(true);
      }),
      { numRuns },
    );
  });
});

describe("a signature", () => {
  const keys = { current: new Secret("sig_current"), next: new Secret("sig_next") };

  it("made of chance does not hold, and throws nothing", { timeout }, async () => {
    const verify = qstashVerifier(keys);
    await fc.assert(
      fc.asyncProperty(text, text, async (signature, body) => {
        expect(await verify({ signature, body, url: "https://example.com/" })).toBe(false);
      }),
      { numRuns },
    );
  });
});

describe("the stream of a model", () => {
  it("is the same however it is cut, or is refused as garbled", { timeout }, () => {
    const piece = fc.constantFrom(
      "data: ",
      "\n",
      "\r\n",
      "[DONE]",
      '{"choices":[{"delta":{"content":"é"}}]}',
      ":x",
      "{",
      "\u0000",
    );
    fc.assert(
      fc.property(fc.array(piece, { maxLength: 30 }), fc.nat({ max: 20 }), (pieces, step) => {
        const bytes = new TextEncoder().encode(pieces.join(""));
        expect(decode(bytes, step + 1)).toEqual(decode(bytes, Math.max(1, bytes.length)));
      }),
      { numRuns },
    );
  });
});

/** What comes out when the bytes arrive in chunks of this size: the texts together, and the code of the refusal if there is one. */
function decode(bytes: Uint8Array, size: number): string {
  const decoder = createAnswerDecoder();
  let out = "";
  const take = (pieces: ReturnType<typeof decoder.push>): void => {
    for (const piece of pieces) out += piece.kind === "text" ? piece.escaped : piece.kind;
  };
  for (let at = 0; at < bytes.length && decoder.failure === undefined; at += size) {
    take(decoder.push(bytes.slice(at, at + size)));
  }
  if (decoder.failure === undefined) take(decoder.finish());
  return `${out} ${decoder.failure?.code ?? ""}`;
}
