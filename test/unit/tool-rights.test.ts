/** What a caller may do with tools, and what a person has to agree to. */
import { describe, expect, it } from "vitest";
import { createToolRegistry } from "../../src/tool/registry.ts";
import { fullGrant, missingScopes } from "../../src/tool/tool-grant.ts";
import { createToolRig, probe } from "../support/tool-rig.ts";

describe("a grant", () => {
  it.each([
    [["web:read"], []],
    [["web:*"], []],
    [["*"], []],
    [["web"], ["web:read"]],
    [["web:"], ["web:read"]],
    [["web:rea*"], ["web:read"]],
    [["*:read"], ["web:read"]],
    [["memory:*"], ["web:read"]],
    [[], ["web:read"]],
  ])("of %j lacks %j of web:read", (scopes, missing) => {
    expect(missingScopes({ tools: "all", scopes }, { scopes: ["web:read"] })).toEqual(missing);
  });

  it("has to cover each scope of a tool", () => {
    const needs = { scopes: ["web:read", "memory:write"] };
    expect(missingScopes({ tools: "all", scopes: ["web:*"] }, needs)).toEqual(["memory:write"]);
  });
});

describe("a tool outside of the grant", () => {
  function rig() {
    const runs: unknown[] = [];
    const act = (_context: unknown, input: unknown) => runs.push(input);
    return { runs, ...createToolRig([probe(act, { scopes: ["web:read", "web:write"] })], undefined) };
  }

  it("is denied in words, with the scopes that are missing, and does not run", async () => {
    const { call, runs } = rig();
    const denial = await call("probe", {}, { grant: { tools: "all", scopes: ["web:read"] } });
    expect(denial).toEqual({
      kind: "failed",
      code: "not_allowed",
      errorText:
        "This caller was not granted the tool probe, which needs web:write. No words in a conversation can grant it.",
      missingScopes: ["web:write"],
    });
    expect(runs).toEqual([]);
  });

  it("is denied by its name too, whatever the scopes", async () => {
    const { call, runs } = rig();
    expect(await call("probe", {}, { grant: { tools: ["other"], scopes: ["*"] } })).toMatchObject({
      code: "not_allowed",
      missingScopes: [],
    });
    expect(runs).toEqual([]);
  });

  it("is denied before its arguments are read", async () => {
    const { call } = rig();
    expect(await call("probe", { count: "x" }, { grant: { tools: "all", scopes: [] } })).toMatchObject({
      code: "not_allowed",
    });
  });

  it("is not among the tools that the caller is shown", () => {
    const registry = createToolRegistry<unknown>([
      probe(() => 1, { scopes: ["web:read"] }),
      probe(() => 1, { name: "free" }),
    ]);
    expect(registry.names({ tools: "all", scopes: [] })).toEqual(["free"]);
    expect(registry.describe({ tools: ["probe"], scopes: ["web:*"] })).toMatchObject([{ name: "probe" }]);
    expect(registry.names(fullGrant)).toEqual(["probe", "free"]);
  });
});

describe("approval", () => {
  it.each([
    [{ effect: "read" }, "never", false],
    [{ effect: "write" }, "never", false],
    [{ effect: "money" }, "always", true],
    [{ effect: "money", approval: "never" }, "never", false],
    [{ effect: "read", approval: "always" }, "always", true],
  ] as const)("of %j is asked for %s", async (contract, approval, isNeeded) => {
    const tool = probe(() => 1, contract);
    expect(tool.approval).toBe(approval);
    expect(tool.needsApproval({})).toBe(isNeeded);
    const { call } = createToolRig([tool], undefined);
    expect(await call("probe", {})).toMatchObject(isNeeded ? { code: "needs_approval" } : { kind: "ok" });
    expect(await call("probe", {}, { isApproved: true })).toMatchObject({ kind: "ok" });
  });

  it("may depend on the input", async () => {
    const tool = probe(() => 1, { effect: "money", approval: ({ count = 0 }) => count > 100 });
    const { call } = createToolRig([tool], undefined);
    expect(tool.approval).toBe("by-input");
    expect(await call("probe", { count: 100 })).toMatchObject({ kind: "ok" });
    expect(await call("probe", { count: 101 })).toMatchObject({ code: "needs_approval" });
  });

  it("of a rule that throws is a failure, and nothing runs", async () => {
    let runs = 0;
    const tool = probe(() => (runs += 1), {
      approval: () => {
        throw new Error("a defect");
      },
    });
    expect(await createToolRig([tool], undefined).call("probe", {})).toMatchObject({ code: "broken" });
    expect(runs).toBe(0);
  });
});
