import { describe, expect, it } from "vitest";
import * as z from "zod/mini";
import { AppError } from "../../src/core/errors.ts";
import { limits } from "../../src/core/limits.ts";
import { builtInTools } from "../../src/tool/built-in.ts";
import { createToolRegistry } from "../../src/tool/registry.ts";
import { runTool } from "../../src/tool/run-tool.ts";
import { defineTool, ok, type ToolContext } from "../../src/tool/tool.ts";
import { manualClock, silentLog } from "../fakes/clock.ts";
import { memoryFactStore } from "../fakes/memory-fact-store.ts";

function context(more: Partial<ToolContext> = {}): ToolContext {
  return {
    userId: "usr_1",
    agentId: "chat",
    clock: manualClock(Date.UTC(2026, 6, 1, 22, 30, 5)),
    facts: memoryFactStore(),
    log: silentLog,
    signal: new AbortController().signal,
    ...more,
  };
}

function toolThat(execute: (context: ToolContext) => unknown, timeoutMs = 10_000) {
  return createToolRegistry([
    defineTool({
      name: "probe",
      description: "A tool for tests.",
      input: z.object({ count: z.optional(z.number()) }),
      effect: "read",
      timeoutMs,
      execute: async (given) => ok(await execute(given)),
    }),
  ]);
}

const builtIn = createToolRegistry(builtInTools);

function call(name: string, input: unknown, given = context()) {
  return runTool(builtIn, { name, argumentsJson: JSON.stringify(input) }, given);
}

describe("a tool call", () => {
  it("answers with the output as JSON holds it", async () => {
    const registry = toolThat(() => ({ at: new Date(0), gone: undefined }));
    expect(await runTool(registry, { name: "probe", argumentsJson: "{}" }, context())).toEqual({
      kind: "ok",
      output: { at: "1970-01-01T00:00:00.000Z" },
    });
  });

  it("without arguments counts as one with none", async () => {
    expect(
      await runTool(
        toolThat(() => 1),
        { name: "probe", argumentsJson: "" },
        context(),
      ),
    ).toEqual({ kind: "ok", output: 1 });
  });

  it.each([
    ["of an unknown tool", "nothing", "{}", /no tool of this name.*probe/],
    ["with broken JSON", "probe", '{"count":', /not valid JSON/],
    ["with arguments of a wrong type", "probe", '{"count":"three"}', /count/],
    ["with no object", "probe", "[]", /the arguments/],
    ["with too long arguments", "probe", `{"x":"${"x".repeat(limits.toolInputCharsMax)}"}`, /longer than/],
  ])("%s fails in words", async (_case, name, argumentsJson, words) => {
    const result = await runTool(
      toolThat(() => 1),
      { name, argumentsJson },
      context(),
    );
    expect(result).toMatchObject({ kind: "failed", errorText: expect.stringMatching(words) as string });
  });

  it.each([
    ["an Error", new Error("inner detail")],
    ["a string", "inner detail"],
    ["nothing", undefined],
    ["a failure of the storage", new AppError("redis_unavailable", "inner detail")],
  ])("fails without inner detail when the tool throws %s", async (_case, thrown) => {
    const registry = toolThat(() => {
      throw thrown;
    });
    const result = await runTool(registry, { name: "probe", argumentsJson: "{}" }, context());
    expect(result.kind).toBe("failed");
    expect(JSON.stringify(result)).not.toContain("inner detail");
  });

  it("fails when the answer is larger than a model is given to read", async () => {
    const registry = toolThat(() => "x".repeat(limits.toolOutputBytesMax));
    const result = await runTool(registry, { name: "probe", argumentsJson: "{}" }, context());
    expect(result).toMatchObject({ kind: "failed", errorText: expect.stringContaining("ask for less") as string });
  });

  it("fails when the answer cannot be written as JSON", async () => {
    const result = await runTool(
      toolThat(() => 1n),
      { name: "probe", argumentsJson: "{}" },
      context(),
    );
    expect(result.kind).toBe("failed");
  });

  it("fails after the tool's time, and the tool sees the signal", async () => {
    let seen: AbortSignal | undefined;
    const registry = toolThat(({ signal }) => {
      seen = signal;
      return new Promise(() => {});
    }, 1);
    const result = await runTool(registry, { name: "probe", argumentsJson: "{}" }, context());
    expect(result).toMatchObject({ kind: "failed", errorText: expect.stringContaining("within 1 ms") as string });
    expect(seen?.aborted).toBe(true);
  });

  it("stops when the turn does, also when it was stopped before", async () => {
    const turn = new AbortController();
    const registry = toolThat(() => {
      turn.abort();
      return new Promise(() => {});
    });
    const given = context({ signal: turn.signal });
    const stopped = { kind: "failed", errorText: "The tool probe was stopped." };
    expect(await runTool(registry, { name: "probe", argumentsJson: "{}" }, given)).toEqual(stopped);
    expect(await runTool(registry, { name: "probe", argumentsJson: "{}" }, given)).toEqual(stopped);
  });
});

describe("the registry", () => {
  it("describes each tool with a JSON schema that a model can read", () => {
    const calculator = builtIn.describe().find(({ name }) => name === "calculator");
    expect(calculator).toMatchObject({
      effect: "read",
      inputSchema: {
        type: "object",
        properties: { expression: { type: "string", minLength: 1, maxLength: limits.expressionCharsMax } },
        required: ["expression"],
      },
    });
    expect(builtIn.describe().map(({ name }) => name)).toEqual(["calculator", "current_time", "remember", "recall"]);
  });

  it("refuses two tools of one name", () => {
    expect(() => createToolRegistry([...builtInTools, ...builtInTools])).toThrow("a name of its own");
  });
});

describe("current_time", () => {
  it("tells the time of a zone, with daylight saving", async () => {
    expect(await call("current_time", { timeZone: "Europe/Berlin" })).toEqual({
      kind: "ok",
      output: {
        timeZone: "Europe/Berlin",
        date: "2026-07-02",
        time: "00:30:05",
        weekday: "Thursday",
        utcOffset: "GMT+02:00",
        utc: "2026-07-01T22:30:05.000Z",
      },
    });
  });

  it("tells UTC without a zone, and refuses an unknown one in words", async () => {
    expect(await call("current_time", {})).toMatchObject({ output: { timeZone: "UTC", time: "22:30:05" } });
    expect(await call("current_time", { timeZone: "Mars/Olympus" })).toMatchObject({
      kind: "failed",
      errorText: expect.stringContaining("no time zone named Mars/Olympus") as string,
    });
  });
});

describe("remember and recall", () => {
  it("find a fact again, whatever the case and spacing of its key", async () => {
    const given = context();
    await call("remember", { key: " Favourite  Colour ", value: "green" }, given);
    expect(await call("recall", { key: "favourite colour" }, given)).toEqual({
      kind: "ok",
      output: { key: "favourite colour", isKnown: true, value: "green" },
    });
    expect(await call("recall", { key: "shape" }, given)).toEqual({
      kind: "ok",
      output: { key: "shape", isKnown: false },
    });
  });

  it("find what is near to a key that is not known, and what fits a query", async () => {
    const given = context();
    await call("remember", { key: "favourite colour", value: "green" }, given);
    await call("remember", { key: "car", value: "a red one" }, given);
    expect(await call("recall", { key: "the colour they like" }, given)).toEqual({
      kind: "ok",
      output: {
        key: "the colour they like",
        isKnown: false,
        facts: [{ key: "favourite colour", value: "green" }],
      },
    });
    expect(await call("recall", { query: "red" }, given)).toEqual({
      kind: "ok",
      output: { facts: [{ key: "car", value: "a red one" }] },
    });
    expect(await call("recall", { query: "blue" }, given)).toEqual({ kind: "ok", output: { facts: [] } });
  });

  it.each([
    ["a key of dots", { key: "..", value: "1" }],
    ["a value that escapes make too large", { key: "k", value: "\u0001".repeat(1_500) }],
  ])("refuse %s in words", async (_case, input) => {
    expect(await call("remember", input)).toMatchObject({
      kind: "failed",
      errorText: expect.stringContaining("cannot be kept") as string,
    });
  });

  it("keep a fact whose key has control characters under one without", async () => {
    const given = context();
    await call("remember", { key: "a\u0000b\nc", value: "1" }, given);
    expect(await call("recall", { key: "a b c" }, given)).toMatchObject({ output: { isKnown: true } });
  });

  it("list all facts without a key, in an answer that is never too large", async () => {
    const given = context();
    for (let count = 0; count < limits.knowledgeEntriesMax; count += 1) {
      await call(
        "remember",
        { key: `${"k".repeat(70)} ${count}`, value: "雪".repeat(limits.factValueCharsMax) },
        given,
      );
    }
    const listed = await call("recall", {}, given);
    expect(listed.kind).toBe("ok");
    const { facts, omitted } = (listed as { output: { facts: unknown[]; omitted: number } }).output;
    expect(facts.length + omitted).toBe(limits.knowledgeEntriesMax);
    expect(await call("remember", { key: "one more", value: "1" }, given)).toMatchObject({
      kind: "failed",
      errorText: expect.stringContaining("memory is full") as string,
    });
  });
});
