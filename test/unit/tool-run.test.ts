import { describe, expect, it } from "vitest";
import { AppError } from "../../src/core/errors.ts";
import { limits } from "../../src/core/limits.ts";
import { NonRetryableError, RunFailed } from "../../src/engine/failures.ts";
import { builtInTools } from "../../src/tool/built-in.ts";
import { createToolRegistry } from "../../src/tool/registry.ts";
import { runTool } from "../../src/tool/run-tool.ts";
import type { ToolContext } from "../../src/tool/tool.ts";
import type { Log } from "../../src/core/ports.ts";
import { silentLog } from "../fakes/clock.ts";
import { createToolRig, builtInServices, probe } from "../support/tool-rig.ts";

const summerNight = Date.UTC(2026, 6, 1, 22, 30, 5);
const rig = () => createToolRig(builtInTools, builtInServices(), summerNight);

function probeRig(execute: (context: ToolContext) => unknown, contract: Parameters<typeof probe>[1] = {}) {
  return createToolRig([probe(execute, contract)], undefined);
}

describe("a tool call", () => {
  it("answers with the output as JSON holds it", async () => {
    const { call } = probeRig(() => ({ at: new Date(0), gone: undefined }));
    expect(await call("probe", {})).toEqual({ kind: "ok", output: { at: "1970-01-01T00:00:00.000Z" } });
  });

  it("of a run that breaks is logged with the id of the run", async () => {
    const { context } = probeRig(() => 1);
    const registry = createToolRegistry<unknown>([probe(() => Promise.reject(new TypeError("a defect")))]);
    const lines: object[] = [];
    const logOf = (ids: object): Log => ({
      ...silentLog,
      error: (message, fields) => void lines.push({ message, ...ids, ...fields }),
      with: (more) => logOf({ ...ids, ...more }),
    });
    await runTool(registry, { name: "probe", argumentsJson: "{}" }, { ...context(), runId: "run_1", log: logOf({}) });
    const error = expect.objectContaining({ name: "TypeError", message: "a defect" }) as Error;
    expect(lines).toEqual([expect.objectContaining({ message: "tool threw", tool: "probe", runId: "run_1", error })]);
  });

  it("without arguments counts as one with none", async () => {
    const { context } = probeRig(() => 1);
    const registry = createToolRegistry<unknown>([probe(() => 1)]);
    const result = await runTool(registry, { name: "probe", argumentsJson: "" }, context());
    expect(result).toEqual({ kind: "ok", output: 1 });
  });

  it.each([
    ["of an unknown tool", "nothing", "{}", "unknown_tool", /no tool of this name.*probe/],
    ["with broken JSON", "probe", '{"count":', "invalid_input", /not valid JSON/],
    [
      "nested too deep",
      "probe",
      `{"count":${"[".repeat(5_000)}${"]".repeat(5_000)}}`,
      "invalid_input",
      /levels of nesting/,
    ],
    ["with arguments of a wrong type", "probe", '{"count":"three"}', "invalid_input", /\/count must be a number/],
    ["with no object", "probe", "[]", "invalid_input", /the whole must be an object/],
    [
      "with too long arguments",
      "probe",
      `{"x":"${"x".repeat(limits.toolInputCharsMax)}"}`,
      "invalid_input",
      /longer than/,
    ],
  ])("%s fails in words, and nothing runs", async (_case, name, argumentsJson, code, words) => {
    let runs = 0;
    const registry = createToolRegistry<unknown>([probe(() => (runs += 1))]);
    const result = await runTool(registry, { name, argumentsJson }, probeRig(() => 1).context());
    expect(result).toMatchObject({ kind: "failed", code, errorText: expect.stringMatching(words) as string });
    expect(runs).toBe(0);
  });

  it("with arguments of exactly the limit runs", async () => {
    const registry = createToolRegistry<unknown>([probe(() => 1)]);
    const argumentsJson = `{"x":"${"x".repeat(limits.toolInputCharsMax - 8)}"}`;
    expect(argumentsJson).toHaveLength(limits.toolInputCharsMax);
    expect(await runTool(registry, { name: "probe", argumentsJson }, probeRig(() => 1).context())).toMatchObject({
      kind: "ok",
    });
  });

  it.each([
    ["an Error", new Error("inner detail"), "unavailable"],
    ["a string", "inner detail", "unavailable"],
    ["nothing", undefined, "unavailable"],
    ["a defect that is known as one", new AppError("internal", "inner detail"), "broken"],
    ["what is for a run to throw", new RunFailed("inner detail"), "broken"],
    ["a failure of the storage", new AppError("redis_unavailable", "inner detail"), "unavailable"],
  ])("fails without inner detail when the tool throws %s", async (_case, thrown, code) => {
    const { call } = probeRig(() => {
      throw thrown;
    });
    const result = await call("probe", {});
    expect(result).toMatchObject({ kind: "failed", code });
    expect(JSON.stringify(result)).not.toContain("inner detail");
  });

  it("passes on a refusal that was written for its reader", async () => {
    const { call } = probeRig(() => {
      throw new NonRetryableError("The table is taken.");
    });
    expect(await call("probe", {})).toEqual({ kind: "failed", code: "failed", errorText: "The table is taken." });
  });

  it("fails when the answer is larger than a model is given to read", async () => {
    const large = probeRig(() => "x".repeat(limits.toolOutputBytesMax - 1));
    expect(await large.call("probe", {})).toMatchObject({
      code: "unusable_output",
      errorText: expect.stringContaining("ask for less") as string,
    });
    const fitting = probeRig(() => "x".repeat(limits.toolOutputBytesMax - 2));
    expect(await fitting.call("probe", {})).toMatchObject({ kind: "ok" });
  });

  it.each([
    ["a BigInt", () => 1n],
    [
      "a cycle",
      () => {
        const cycle: Record<string, unknown> = {};
        return Object.assign(cycle, { cycle });
      },
    ],
  ])("fails when the answer holds %s", async (_case, answer) => {
    expect(await probeRig(answer).call("probe", {})).toMatchObject({ kind: "failed", code: "unusable_output" });
  });

  it("turns bytes into what JSON makes of them, within the same limit", async () => {
    const { call } = probeRig(() => new Uint8Array(limits.toolOutputBytesMax));
    expect(await call("probe", {})).toMatchObject({ kind: "failed", code: "unusable_output" });
  });

  it("fails after the tool's time, and the tool sees the signal", async () => {
    let seen: AbortSignal | undefined;
    const { call, clock, paused } = probeRig(({ signal }) => {
      seen = signal;
      return new Promise(() => {});
    });
    const result = call("probe", {});
    await paused(10_000);
    await clock.advance(9_999);
    expect(seen?.aborted).toBe(false);
    await clock.advance(1);
    expect(await result).toMatchObject({ code: "timed_out", errorText: expect.stringContaining("10000 ms") as string });
    expect(seen?.aborted).toBe(true);
  });

  it("hears nothing of what a tool answers, or throws, after its time", async () => {
    const late = Promise.withResolvers<unknown>();
    const { call, clock, paused } = probeRig(() => late.promise);
    const result = call("probe", {});
    await paused(10_000);
    await clock.advance(10_000);
    late.reject(new Error("late"));
    expect(await result).toMatchObject({ code: "timed_out" });
  });

  it("stops when the caller does, also when it had left before", async () => {
    const turn = new AbortController();
    let runs = 0;
    const { call } = probeRig(() => {
      runs += 1;
      turn.abort();
      return new Promise(() => {});
    });
    const stopped = { kind: "failed", code: "stopped", errorText: "The tool probe was stopped." };
    expect(await call("probe", {}, { signal: turn.signal })).toEqual(stopped);
    expect(await call("probe", {}, { signal: turn.signal })).toEqual(stopped);
    expect(runs).toBe(1);
  });
});

describe("the registry", () => {
  it("describes each tool with a JSON schema that a model can read", () => {
    const described = createToolRegistry(builtInTools).describe();
    const calculator = described.find(({ name }) => name === "calculator");
    expect(calculator).toMatchObject({
      effect: "read",
      inputSchema: {
        type: "object",
        properties: { expression: { type: "string", minLength: 1, maxLength: limits.expressionCharsMax } },
        required: ["expression"],
      },
    });
    expect(described.map(({ name }) => name)).toEqual([
      "calculator",
      "current_time",
      "remember",
      "recall",
      "http_fetch",
      "reminder",
      "wait",
    ]);
  });

  it("refuses two tools of one name", () => {
    expect(() => createToolRegistry([...builtInTools, ...builtInTools])).toThrow("a name of its own");
  });
});

describe("current_time", () => {
  it("tells the time of a zone, with daylight saving", async () => {
    expect(await rig().call("current_time", { timeZone: "Europe/Berlin" })).toEqual({
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
    const { call } = rig();
    expect(await call("current_time", {})).toMatchObject({ output: { timeZone: "UTC", time: "22:30:05" } });
    expect(await call("current_time", { timeZone: "Mars/Olympus" })).toMatchObject({
      kind: "failed",
      errorText: expect.stringContaining("no time zone named Mars/Olympus") as string,
    });
  });
});
