import { Hono } from "hono";
import { describe, expect, it } from "vitest";
import * as z from "zod/mini";
import { AppError, errorCatalogue, type ErrorCode } from "../../src/core/errors.ts";
import { limits } from "../../src/core/limits.ts";
import { accessLog } from "../../src/http/middleware/access-log.ts";
import { requestId } from "../../src/http/middleware/request-id.ts";
import { logFailure } from "../../src/http/log-failure.ts";
import { answerProblem, problemOf } from "../../src/http/problem.ts";
import { invalidBody, readJson } from "../../src/http/read-json.ts";
import type { AppEnv } from "../../src/http/app-env.ts";
import { jsonLog } from "../../src/system/log.ts";
import { countingRandom, silentLog } from "../fakes/clock.ts";

describe("a problem", () => {
  it.each(Object.keys(errorCatalogue) as ErrorCode[])(
    "of code %s shows no inner message from status 500 on",
    (code) => {
      const { problem } = problemOf(new AppError(code, "inner words"), "req-1");
      expect(problem).toMatchObject({ code, status: errorCatalogue[code].status, requestId: "req-1" });
      expect(problem.detail).toBe(problem.status < 500 ? "inner words" : errorCatalogue[code].publicText);
    },
  );

  it("of an unknown failure is opaque", () => {
    const { problem } = problemOf(new TypeError("x is not a function"), "req-1");
    expect(problem).toMatchObject({ status: 500, code: "internal" });
    expect(JSON.stringify(problem)).not.toContain("not a function");
  });

  it("says in whole seconds, at least one, when to come back", () => {
    expect(problemOf(new AppError("rate_limited", "…", { retryAfterMs: 1 }), "r").headers["Retry-After"]).toBe("1");
    expect(problemOf(new AppError("rate_limited", "…", { retryAfterMs: 1001 }), "r").headers["Retry-After"]).toBe("2");
    expect(problemOf(new AppError("rate_limited", "…"), "r").headers).not.toHaveProperty("Retry-After");
  });
});

const Body = z.object({
  title: z.string().check(z.maxLength(5)),
  items: z.optional(z.array(z.object({ "a/b": z.number() }))),
  note: z.optional(z.strictObject({})),
});

const app = new Hono()
  .post("/", async (c) => c.json(await readJson(c, Body, { bytesMax: 200 })))
  .onError((error, c) => answerProblem(c, error, "req-1"));

interface ProblemBody {
  code: string;
  detail: string;
  errors?: { pointer: string; detail: string }[];
}

async function post(body: BodyInit, headers: Record<string, string> = { "Content-Type": "application/json" }) {
  const response = await app.request("/", { method: "POST", body, headers, duplex: "half" } as RequestInit);
  return { response, body: (await response.json()) as ProblemBody };
}

function chunked(...chunks: string[]): ReadableStream<Uint8Array> {
  return new Blob(chunks).stream();
}

describe("a JSON body", () => {
  it("is read when it fits, with a charset or without", async () => {
    const { response, body } = await post('{"title":"hi"}', { "Content-Type": "application/json; charset=utf-8" });
    expect([response.status, body]).toEqual([200, { title: "hi" }]);
  });

  it.each([
    ["no JSON", "{", "malformed_json", 400],
    ["empty", "", "malformed_json", 400],
    ["no UTF-8", new Uint8Array([0x22, 0xff, 0x22]), "malformed_json", 400],
    ["larger than the limit", `{"title":"${"x".repeat(200)}"}`, "body_too_large", 413],
  ])("that is %s is refused", async (_case, sent, code, status) => {
    const { response, body } = await post(sent);
    expect([response.status, body.code]).toEqual([status, code]);
    expect(response.headers.get("Content-Type")).toBe("application/problem+json");
  });

  it("without a length is cut off at the limit", async () => {
    const { response, body } = await post(chunked('{"title":"', "x".repeat(300), '"}'));
    expect([response.status, body.code]).toEqual([413, "body_too_large"]);
    expect((await post(chunked('{"title"', ':"hi"}'))).response.status).toBe(200);
  });

  it.each(["text/plain", "application/x-www-form-urlencoded", "application/jsonp"])(
    "is refused as %s, which other sites' forms could send",
    async (type) => {
      const { response, body } = await post('{"title":"hi"}', { "Content-Type": type });
      expect([response.status, body.code]).toEqual([415, "unsupported_media_type"]);
    },
  );

  it("with wrong fields is refused with a pointer to each and none of their values", async () => {
    const { response, body } = await post('{"title":"too long","items":[{"a/b":"private"}]}');
    expect(response.status).toBe(400);
    expect(body.errors).toEqual([
      { pointer: "/title", detail: "must have at most 5 characters" },
      { pointer: "/items/0/a~1b", detail: "must be a number" },
    ]);
    expect(JSON.stringify(body)).not.toContain("private");
  });

  it("with fields that are not known is refused with their names, a few of them, and cut", async () => {
    const long = "x".repeat(65);
    const { body } = await post(JSON.stringify({ title: "hi", note: { "a/b": 1, [long]: "private", c: 1, d: 1 } }));
    expect(body.errors).toEqual([
      { pointer: "/note/a~1b", detail: "is not known here" },
      { pointer: `/note/${"x".repeat(64)}…`, detail: "is not known here" },
      { pointer: "/note/c", detail: "is not known here" },
    ]);
    expect(body.detail).toContain("/note/a~1b is not known here.");
  });

  it("with fields that are not known is logged without their names, which may say anything", async () => {
    const lines: unknown[] = [];
    const log = { ...silentLog, debug: (_message: string, fields?: object) => void lines.push(fields) };
    logFailure(log, invalidBody(z.safeParse(Body, { title: 7, note: { private: 1 } }).error!.issues));
    expect(lines).toEqual([{ code: "bad_request", reason: "/title must be a string. A field is not known here." }]);
  });

  it("that is not an object at all is refused with a pointer to the whole", async () => {
    expect((await post("7")).body.errors).toEqual([{ pointer: "", detail: "must be an object" }]);
  });

  it("has a limit by default", () => {
    expect(limits.bodyBytesMax).toBeLessThan(limits.chatBodyBytesMax);
  });
});

describe("the access log", () => {
  it("notes method, path template, status, time and request id, and no path", async () => {
    const entries: unknown[] = [];
    let nowMs = 0;
    const clock = { now: () => (nowMs += 5) };
    const write = (line: string) => entries.push(JSON.parse(line));
    const logged = new Hono<AppEnv>()
      .use(requestId(countingRandom()))
      .use(accessLog({ clock, logOf: () => jsonLog({ clock: { now: () => 0 }, level: "info", write }) }))
      .get("/things/:id", (c) => c.text("thing"));
    await logged.request("/things/private-id?token=x");
    expect(entries).toEqual([
      {
        time: "1970-01-01T00:00:00.000Z",
        level: "info",
        message: "request",
        requestId: "00000000-0000-4000-8000-000000000001",
        method: "GET",
        route: "/things/:id",
        status: 200,
        durationMs: 5,
      },
    ]);
  });

  it("is as loud about a failure as it concerns us", () => {
    const levels: string[] = [];
    const write = (line: string) => levels.push((JSON.parse(line) as { level: string }).level);
    const log = jsonLog({ clock: { now: () => 0 }, level: "debug", write });
    logFailure(log, new AppError("not_found", "…"));
    logFailure(log, new AppError("redis_unavailable", "…"));
    logFailure(log, new TypeError("…"));
    expect(levels).toEqual(["debug", "warn", "error"]);
  });
});
