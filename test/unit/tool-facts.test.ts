import { describe, expect, it } from "vitest";
import { limits } from "../../src/core/limits.ts";
import { builtInTools } from "../../src/tool/built-in.ts";
import { createToolRig, builtInServices } from "../support/tool-rig.ts";

const rig = () => createToolRig(builtInTools, builtInServices());

describe("remember and recall", () => {
  it("find a fact again, whatever the case and spacing of its key", async () => {
    const { call } = rig();
    await call("remember", { key: " Favourite  Colour ", value: "green" });
    expect(await call("recall", { key: "favourite colour" })).toEqual({
      kind: "ok",
      output: { key: "favourite colour", isKnown: true, value: "green" },
    });
    expect(await call("recall", { key: "shape" })).toEqual({
      kind: "ok",
      output: { key: "shape", isKnown: false },
    });
  });

  it("find what is near to a key that is not known, and what fits a query", async () => {
    const { call } = rig();
    await call("remember", { key: "favourite colour", value: "green" });
    await call("remember", { key: "car", value: "a red one" });
    expect(await call("recall", { key: "the colour they like" })).toEqual({
      kind: "ok",
      output: {
        key: "the colour they like",
        isKnown: false,
        facts: [{ key: "favourite colour", value: "green" }],
      },
    });
    expect(await call("recall", { query: "red" })).toEqual({
      kind: "ok",
      output: { facts: [{ key: "car", value: "a red one" }] },
    });
    expect(await call("recall", { query: "blue" })).toEqual({ kind: "ok", output: { facts: [] } });
  });

  it.each([
    ["a key of dots", { key: "..", value: "1" }],
    ["a value that escapes make too large", { key: "k", value: "\u0001".repeat(1_500) }],
  ])("refuse %s in words", async (_case, input) => {
    expect(await rig().call("remember", input)).toMatchObject({
      kind: "failed",
      errorText: expect.stringContaining("cannot be kept") as string,
    });
  });

  it("keep a fact whose key has control characters under one without", async () => {
    const { call } = rig();
    await call("remember", { key: "a\u0000b\nc", value: "1" });
    expect(await call("recall", { key: "a b c" })).toMatchObject({ output: { isKnown: true } });
  });

  it("list all facts without a key, in an answer that is never too large", async () => {
    const { call } = rig();
    for (let count = 0; count < limits.knowledgeEntriesMax; count += 1) {
      await call("remember", { key: `${"k".repeat(70)} ${count}`, value: "雪".repeat(limits.factValueCharsMax) });
    }
    const listed = await call("recall", {});
    expect(listed.kind).toBe("ok");
    const { facts, omitted } = (listed as { output: { facts: unknown[]; omitted: number } }).output;
    expect(facts.length + omitted).toBe(limits.knowledgeEntriesMax);
    expect(await call("remember", { key: "one more", value: "1" })).toMatchObject({
      kind: "failed",
      errorText: expect.stringContaining("memory is full") as string,
    });
  });
});
