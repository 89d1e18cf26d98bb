/** The registered tools in the hands of an agent: its grant, a person's approval, retries and undoing. */
import { describe, expect, it } from "vitest";
import { grantOf } from "../../src/agent/run/agent.ts";
import type { Actor } from "../../src/agent/run/agent-services.ts";
import { registryTools } from "../../src/agent/run/registry-tools.ts";
import { AppError } from "../../src/core/errors.ts";
import { isRetryable, RetryAfterError, retryAfterMsOf } from "../../src/engine/failures.ts";
import { createToolRegistry } from "../../src/tool/registry.ts";
import { createToolRig, probe } from "../support/tool-rig.ts";

const actor: Actor = { userId: "usr_1", agentId: "agt_1", runId: "run_1", conversationId: "c" };
const step = { idempotencyKey: "run_1/do s1", signal: new AbortController().signal };

function toolsOf(agent: Parameters<typeof grantOf>[0], ...tools: ReturnType<typeof probe>[]) {
  const { context } = createToolRig([], undefined);
  return registryTools(createToolRegistry(tools), context(), grantOf(agent));
}

const look = probe(() => "seen", { name: "look", scopes: ["web:read"] });
const pay = probe(() => "paid", { name: "pay", effect: "money", scopes: ["restaurant:money"] });

describe("an agent's tools", () => {
  it("are all of them where nothing else was said, and else those of its names and scopes", () => {
    const names = (agent: Parameters<typeof grantOf>[0]) =>
      toolsOf(agent, look, pay)
        .describe()
        .map(({ name }) => name);
    expect(names({})).toEqual(["look", "pay"]);
    expect(names({ tools: ["pay"] })).toEqual(["pay"]);
    expect(names({ scopes: ["web:*"] })).toEqual(["look"]);
    expect(names({ tools: ["pay"], scopes: ["web:*"] })).toEqual([]);
  });

  it("say what is wrong with a call; parameters that are not known yet are not looked at", () => {
    const tools = toolsOf({ tools: ["look"] }, look, pay);
    const complete = { isComplete: true };
    expect(tools.problemOf({ name: "nothing", parameters: {} }, complete)).toMatch(/no tool of this name.*look/);
    expect(tools.problemOf({ name: "pay", parameters: {} }, { isComplete: false })).toMatch(/was not granted/);
    expect(tools.problemOf({ name: "look", parameters: { count: "x" } }, complete)).toMatch(/count must be a number/);
    expect(tools.problemOf({ name: "look", parameters: { count: "x" } }, { isComplete: false })).toBeUndefined();
    expect(tools.problemOf({ name: "look", parameters: { count: 1 } }, complete)).toBeUndefined();
  });

  it("that were asked for by a plan are denied again when they are called", async () => {
    const tools = toolsOf({ scopes: [] }, pay);
    expect(await tools.run({ name: "pay", parameters: {} }, actor, step)).toMatchObject({
      kind: "failed",
      code: "not_allowed",
    });
  });

  it("that need a person's word say so, by their contract and the call's parameters", () => {
    const large = probe(() => 1, { name: "large", effect: "write", approval: ({ count = 0 }) => count > 10 });
    const tools = toolsOf({}, look, pay, large);
    expect(tools.needsApproval({ name: "look", parameters: {} })).toBe(false);
    expect(tools.needsApproval({ name: "pay", parameters: {} })).toBe(true);
    expect(tools.needsApproval({ name: "large", parameters: { count: 10 } })).toBe(false);
    expect(tools.needsApproval({ name: "large", parameters: { count: 11 } })).toBe(true);
  });

  it("act once for a step that is repeated", async () => {
    let acts = 0;
    const tools = toolsOf(
      {},
      probe(() => (acts += 1), { name: "act", effect: "write" }),
    );
    const call = { name: "act", parameters: {} };
    expect(await tools.run(call, actor, step)).toEqual({ kind: "ok", output: 1 });
    expect(await tools.run(call, actor, step)).toEqual({ kind: "ok", output: 1 });
  });

  it("throw what may pass, in words, and answer what will not", async () => {
    const down = probe(() => Promise.reject(new AppError("partner_unavailable", "inner detail")), { name: "down" });
    const broken = probe(() => Promise.reject(new AppError("internal", "inner detail")), { name: "broken" });
    const full = probe(() => Promise.reject(new RetryAfterError("Full.", { retryAfterMs: 7_000 })), { name: "full" });
    const tools = toolsOf({}, down, broken, full);
    const thrown: unknown = await tools.run({ name: "down", parameters: {} }, actor, step).catch((error) => error);
    expect(isRetryable(thrown)).toBe(true);
    expect((thrown as Error).message).toMatch(/^The tool down failed: A service that this run needs/);
    expect(await tools.run({ name: "broken", parameters: {} }, actor, step)).toMatchObject({ code: "broken" });
    const later: unknown = await tools.run({ name: "full", parameters: {} }, actor, step).catch((error) => error);
    expect(retryAfterMsOf(later)).toBe(7_000);
  });

  it("are undone by their own undo, with a key of its own, and others by none", async () => {
    const undone: unknown[] = [];
    const table = probe(() => ({ id: 7 }), {
      name: "table",
      effect: "write",
      undo: async ({ idempotencyKey }, input, output) => void undone.push({ idempotencyKey, input, output }),
    });
    const tools = toolsOf({ scopes: [] }, look, table);
    expect(tools.undoOf("look")).toBeUndefined();
    expect(tools.undoOf("nothing")).toBeUndefined();
    const undo = tools.undoOf("table");
    const done = { name: "table", parameters: { count: 1 }, output: { id: 7 } };
    await undo?.(done, actor, { ...step, idempotencyKey: "run_1/undo do s1" });
    await undo?.(done, actor, { ...step, idempotencyKey: "run_1/undo do s1" });
    const [first, second] = undone as { idempotencyKey: string; input: unknown; output: unknown }[];
    expect(first).toEqual(second);
    expect(first).toMatchObject({ input: { count: 1 }, output: { id: 7 } });
  });
});
