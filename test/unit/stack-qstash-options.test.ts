import * as fc from "fast-check";
import { describe, expect, it } from "vitest";
import { parseDurationMs } from "../../stack/qstash/durations.ts";
import { canonicalHeaderName, isDeliverableHeader } from "../../stack/qstash/header-names.ts";
import { readOptions, type Options } from "../../stack/qstash/publish-options.ts";
import { parseRetryDelay } from "../../stack/qstash/retry-delay.ts";
import { retryDelayMs } from "../../stack/qstash/retry-schedule.ts";

const nowMs = Date.parse("2026-01-01T00:00:00Z");

describe("a duration", () => {
  it.each([
    ["20s", 20_000],
    ["1d10h", 122_400_000],
    ["1h30m0.5s", 5_400_500],
    ["250ms", 250],
    ["0s", 0],
    [" 5m ", 300_000],
  ])("%s is %d ms", (text, ms) => expect(parseDurationMs(text)).toBe(ms));

  it.each(["", "20", "s", "-5s", "1y", "5 m", "1h 30m", "1e3s", "soon"])("is not %j", (text) =>
    expect(parseDurationMs(text)).toBeUndefined(),
  );
});

describe("a retry delay expression", () => {
  it.each([
    ["1000", 1_000],
    ["1000 * (1 + retried)", 3_000],
    ["pow(2, retried) * 100", 400],
    ["max(1, min(retried, 10), -5) % 2 + 7 / 2", 3.5],
    ["round(1.5) + floor(1.9) + ceil(1.1) + abs(-1) + sqrt(4) + exp(0)", 9],
    ["-retried + +5", 3],
  ])("%s is %d at the third retry", (text, result) => expect(parseRetryDelay(text)(2)).toBe(result));

  it.each([
    "",
    "retries",
    "1 +",
    "1; 2",
    "pow(2)",
    "sqrt(1, 2)",
    "min()",
    "'1'",
    "true",
    "!retried",
    "1 < 2",
    "retried ? 1 : 2",
    "[1]",
    "Math.pow(2, 3)",
    "constructor(1)",
    "toString()",
    "this",
    "retried.constructor",
    "process.exit()",
    "1".repeat(2_000),
  ])("is refused when it is %j", (text) => expect(() => parseRetryDelay(text)).toThrow("invalid Upstash-Retry-Delay"));

  it("of any text is either refused in our words or a number", () => {
    const word = fc.constantFrom("retried", "1", "2.5", "+", "-", "*", "/", "%", "(", ")", ",", "pow", "max", " ");
    const texts = fc.oneof(
      fc.string(),
      fc.array(word).map((words) => words.join("")),
    );
    const isRefusedOrNumber = (text: string, retried: number): boolean => {
      try {
        return typeof parseRetryDelay(text)(retried) === "number";
      } catch (error) {
        return String(error).includes("invalid Upstash-Retry-Delay");
      }
    };
    expect(fc.check(fc.property(texts, fc.nat(10), isRefusedOrNumber)).failed).toBe(false);
  });
});

describe("the wait before a retry", () => {
  const waitMs = (header: Record<string, string[]>, options: Options = {}, retryScale = 1, retried = 0) => {
    const message = {
      ...readOptions(options, nowMs),
      messageId: "msg_1",
      url: "http://127.0.0.1/",
      body: Buffer.alloc(0),
      callerIp: "127.0.0.1",
      createdAtMs: nowMs,
      retried,
    };
    return retryDelayMs({ message, header, nowMs, retryScale });
  };

  it("is what the destination wishes: seconds, a duration or a date", () => {
    expect(waitMs({ "Retry-After": ["7"] })).toBe(7_000);
    expect(waitMs({ "X-Ratelimit-Reset-Tokens": ["6m0s"] })).toBe(360_000);
    expect(waitMs({ "Retry-After": ["Thu, 01 Jan 2026 00:01:00 GMT"] })).toBe(60_000);
    expect(waitMs({ "Retry-After": ["Wed, 31 Dec 2025 00:00:00 GMT"] })).toBe(0);
  });

  it("ignores a wish that cannot be read, and is never longer than a day", () => {
    expect(waitMs({ "Retry-After": ["whenever"] })).toBe(12_000);
    expect(waitMs({ "Retry-After": ["999999999"] })).toBe(86_400_000);
    expect(waitMs({}, { "upstash-retry-delay": "pow(10, 30)" })).toBe(86_400_000);
  });

  it("is zero for a negative expression and the default for one without a result", () => {
    expect(waitMs({}, { "upstash-retry-delay": "-5" })).toBe(0);
    expect(waitMs({}, { "upstash-retry-delay": "0 / 0" })).toBe(12_000);
  });

  it("is scaled only where nobody asked for a time", () => {
    expect(waitMs({}, {}, 0.01)).toBe(120);
    expect(waitMs({}, { "upstash-retry-delay": "500" }, 0.01)).toBe(500);
    expect(waitMs({ "Retry-After": ["7"] }, {}, 0.01)).toBe(7_000);
  });
});

describe("publish options", () => {
  it("without any header are those of the documentation", () => {
    expect(readOptions({}, nowMs)).toEqual({
      method: "POST",
      header: {},
      maxRetries: 3,
      timeoutMs: 900_000,
      notBeforeMs: nowMs,
      labels: [],
    });
  });

  it("give a callback options of its own, without the callbacks of callbacks", () => {
    const { callback, failureCallback } = readOptions(
      {
        "upstash-callback": "http://127.0.0.1/done",
        "upstash-callback-retries": "1",
        "upstash-callback-forward-x-run": "7",
        "upstash-callback-callback": "http://127.0.0.1/loop",
        "upstash-failure-callback": "http://127.0.0.1/failed",
        "upstash-failure-callback-forward-content-type": "text/plain",
      },
      nowMs,
    );
    expect(callback).toEqual({
      url: "http://127.0.0.1/done",
      options: { "content-type": "application/json", "upstash-retries": "1", "upstash-forward-x-run": "7" },
    });
    expect(failureCallback).toEqual({ url: "http://127.0.0.1/failed", options: { "content-type": "text/plain" } });
  });

  it("read the flow control that a message names", () => {
    const options = {
      "upstash-flow-control-key": "k",
      "upstash-flow-control-value": "parallelism=3, rate=5, period=1m",
    };
    expect(readOptions(options, nowMs).flowControl).toEqual({ key: "k", parallelism: 3, rate: 5, periodSeconds: 60 });
  });

  it.each(["parallelism=0", "rate=x", "period=1m", "rate=1,period=soon"])("refuse the flow control %s", (value) => {
    const options = { "upstash-flow-control-key": "k", "upstash-flow-control-value": value };
    expect(() => readOptions(options, nowMs)).toThrow("flow control");
  });
});

describe("header names", () => {
  it("are stored in Go's canonical form", () => {
    expect(["test-header", "X-RATELIMIT-RESET", "etag"].map(canonicalHeaderName)).toEqual([
      "Test-Header",
      "X-Ratelimit-Reset",
      "Etag",
    ]);
  });

  it("that describe one connection are not deliverable", () => {
    const names = ["Host", "content-length", "Connection", "TE", "Proxy-Authorization", "Expect", "upgrade"];
    expect(names.filter(isDeliverableHeader)).toEqual([]);
    expect(isDeliverableHeader("authorization")).toBe(true);
  });
});
