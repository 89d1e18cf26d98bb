import { describe, expect, it } from "vitest";
import { AppError, asAppError, errorCatalogue } from "../../src/core/errors.ts";
import { isClientId, isUserId, newConversationId, newRunId, newUserId } from "../../src/core/ids.ts";
import { invariant } from "../../src/core/ports.ts";
import { Secret } from "../../src/core/secret.ts";
import { jsonLog } from "../../src/system/log.ts";
import { systemRandom } from "../../src/system/random.ts";
import { commandRefused, tripFailed } from "../../src/upstash/fault.ts";

describe("the catalogue", () => {
  it("answers what a caller did wrong with 4xx, what may pass with 503, and our defects with 5xx", () => {
    const statusClass = { refuse: 4, retry: 5, compensate: 5, park: 5 };
    for (const [code, { disposition, status }] of Object.entries(errorCatalogue)) {
      expect(Math.floor(status / 100), code).toBe(statusClass[disposition]);
      expect(disposition === "retry", code).toBe(status === 503);
    }
  });
});

describe("an unknown thrown value", () => {
  it.each([new TypeError("x is undefined"), "a string", undefined, 7])("parks as internal: %s", (thrown) => {
    const error = asAppError(thrown);
    expect(error.code).toBe("internal");
    expect(error.disposition).toBe("park");
  });

  it("stays what it is when it has a place in the catalogue", () => {
    const error = new AppError("not_found", "no such thing");
    expect(asAppError(error)).toBe(error);
  });
});

describe("an invariant", () => {
  it("throws internal with its sentence when it is broken", () => {
    expect(() => invariant(false, "the sky is up")).toThrow("the sky is up");
    expect(() => invariant(true, "the sky is up")).not.toThrow();
  });
});

describe("ids", () => {
  it("made by us say what they name and pass their own checks", () => {
    expect(isUserId(newUserId(systemRandom))).toBe(true);
    expect(newRunId(systemRandom)).toMatch(/^run_[0-9a-f]{32}$/);
    expect(isClientId(newConversationId(systemRandom))).toBe(true);
  });

  it.each(["", "a".repeat(129), "a:b", "{a}", "a b", "ä", "../a", 7, null])("of clients are refused: %j", (id) => {
    expect(isClientId(id)).toBe(false);
  });
});

describe("the log", () => {
  function logLines(): { lines: string[]; log: ReturnType<typeof jsonLog> } {
    const lines: string[] = [];
    return { lines, log: jsonLog({ clock: { now: () => 0 }, level: "info", write: (line) => lines.push(line) }) };
  }

  it("writes one line of JSON per entry, with the fields of its parents", () => {
    const { lines, log } = logLines();
    log.with({ requestId: "r1" }).info("request", { status: 200 });
    expect(lines.map((line) => JSON.parse(line) as unknown)).toEqual([
      { time: "1970-01-01T00:00:00.000Z", level: "info", message: "request", requestId: "r1", status: 200 },
    ]);
  });

  it("drops what is below its level", () => {
    const { lines, log } = logLines();
    log.debug("chatter");
    expect(lines).toEqual([]);
  });

  it("prints errors with code and cause, secrets as [secret], and never throws", () => {
    const { lines, log } = logLines();
    const circular: Record<string, unknown> = {};
    circular["self"] = circular;
    log.error("failed", {
      error: new AppError("redis_unavailable", "gone", { cause: new Error("reset") }),
      key: new Secret("hush"),
    });
    log.error("circular", { circular });
    expect(JSON.parse(lines[0] ?? "")).toMatchObject({
      error: { code: "redis_unavailable", message: "gone", cause: { message: "reset" } },
      key: "[secret]",
    });
    expect(lines[0]).not.toContain("hush");
    expect(JSON.parse(lines[1] ?? "")).toMatchObject({ message: "circular", unprintable: true });
  });
});

describe("what Redis refuses", () => {
  it.each([
    ["WRONGPASS invalid password", "misconfigured"],
    ["OOM command not allowed", "redis_unavailable"],
    ["ERR max requests limit exceeded. Limit: 10000", "redis_unavailable"],
    ["ERR max daily request limit exceeded.", "redis_unavailable"],
    ["LOADING Redis is loading", "redis_unavailable"],
    ["WRONGTYPE Operation against a key", "internal"],
    ["ERR something never heard of", "internal"],
  ])("is sorted by who must act: %s", (refusal, code) => {
    expect(commandRefused("GET", refusal).code).toBe(code);
  });

  it("keeps no command in the message of a failed trip", () => {
    const thrown = Object.assign(new Error('ERR bad, command was: [["SET","k","private words"]]'), {
      name: "UpstashError",
    });
    const error = tripFailed(thrown);
    expect(JSON.stringify([error.message, error.cause])).not.toContain("private");
  });
});
