import { describe, expect, it } from "vitest";
import { checkPlan, planSchema, planStepsMax } from "../../src/agent/run/plan.ts";
import { referencesIn, resolveReferences } from "../../src/agent/run/references.ts";
import { agentExecution, agentPlanning, agentReflection } from "../../src/agent/run/phase-runs.ts";
import { createAgentRig, planText, summaryText, testAgent } from "../support/agent-rig.ts";

const rules = { takenIds: ["old", "failed"], doneIds: ["old"], problemOf: () => undefined };
const step = (id: string, more: Record<string, unknown> = {}) => ({ id, tool: "t", parameters: {}, ...more });

describe("a plan of a model", () => {
  it.each([
    ["plain", planText(step("a"))],
    ["in a fence", `Here it is:\n\`\`\`json\n${planText(step("a"))}\n\`\`\`\nGood luck!`],
    ["with fields that nobody knows", JSON.stringify({ mood: "good", steps: [{ ...step("a"), color: "red" }] })],
    ["that goes on from an earlier one", planText(step("a", { dependsOn: ["old"] }))],
  ])("is read %s", (_name, text) => {
    expect(checkPlan(text, rules)).toMatchObject({ kind: "ok", plan: { steps: [{ id: "a", tool: "t" }] } });
  });

  it.each([
    ["is no JSON", "I cannot do that.", "no JSON object"],
    ["is broken JSON", '{"steps": [', "no JSON object"],
    ["is a list", "[]", "no JSON object"],
    ["has no steps", '{"steps": []}', "no steps"],
    ["lacks its steps", "{}", "steps"],
    ["has steps of another shape", '{"steps": [{"id": 1}]}', "steps.0.id"],
    ["has an id with odd characters", planText(step("a b")), "steps.0.id"],
    ["has parameters that are no object", planText({ ...step("a"), parameters: [] }), "steps.0.parameters"],
    ["uses an id twice", planText(step("a"), step("a")), '"a" is taken'],
    ["uses an id of an earlier plan", planText(step("failed")), '"failed" is taken'],
    ["depends on what is not there", planText(step("a", { dependsOn: ["ghost"] })), '"ghost", which does not exist'],
    ["depends on what failed", planText(step("a", { dependsOn: ["failed"] })), '"failed", which does not exist'],
    ["depends on itself", planText(step("a", { dependsOn: ["a"] })), "circle"],
    [
      "has a circle",
      planText(step("a", { dependsOn: ["b"] }), step("b", { dependsOn: ["a"] }), step("c")),
      "a, b depend",
    ],
    [
      "is longer than allowed",
      planText(...Array.from({ length: planStepsMax + 1 }, (_step, index) => step(`s${index}`))),
      `${planStepsMax} are allowed`,
    ],
    ["has 1,000 steps", planText(...Array.from({ length: 1000 }, (_step, index) => step(`s${index}`))), "1000 steps"],
  ])("is refused in words when it %s", (_name, text, words) => {
    const checked = checkPlan(text, rules);
    expect(checked.kind === "wrong" && checked.problems.join(" ")).toContain(words);
  });

  it("may have as many steps as are allowed", () => {
    const text = planText(...Array.from({ length: planStepsMax }, (_step, index) => step(`s${index}`)));
    expect(checkPlan(text, rules).kind).toBe("ok");
  });

  it("says at most a few of its problems", () => {
    const text = planText(...Array.from({ length: 15 }, () => step("same")));
    const checked = checkPlan(text, rules);
    expect(checked.kind === "wrong" && checked.problems.length).toBe(8);
  });

  it("has a schema that a model's API takes", () => {
    expect(planSchema()).toMatchObject({ type: "object", properties: { steps: { type: "array" } } });
  });
});

describe("references to results", () => {
  const outputs = (id: string) =>
    id === "a" ? { output: { list: [{ name: "x" }], "odd key": 1, nothing: null } } : undefined;

  it.each([
    [{ $from: "a", path: "list.0.name" }, "x"],
    [{ $from: "a", path: "list[0].name" }, "x"],
    [{ $from: "a", path: "nothing" }, null],
    [{ $from: "a", path: "odd key" }, 1],
    [{ deep: [{ value: { $from: "a", path: "list" } }] }, { deep: [{ value: [{ name: "x" }] }] }],
    [
      { $from: "a", other: 1 },
      { $from: "a", other: 1 },
    ],
    ["$from a", "$from a"],
  ])("%j becomes %j", (parameters, value) => {
    expect(resolveReferences(parameters, outputs)).toEqual({ kind: "ok", value });
  });

  it.each([
    [{ $from: "ghost" }, 'step "ghost" has no result'],
    [{ $from: "a", path: "list.7" }, 'has no "list.7"'],
    [{ $from: "a", path: "__proto__" }, 'has no "__proto__"'],
    [{ $from: "a", path: "list.length.constructor" }, "has no"],
  ])("%j dangles", (parameters, words) => {
    const resolved = resolveReferences(parameters, outputs);
    expect(resolved.kind === "dangling" && resolved.problem).toContain(words);
  });

  it("are found wherever they stand", () => {
    expect(referencesIn({ a: { $from: "x" }, b: [{ $from: "y", path: "z" }], c: "$from" })).toEqual(["x", "y"]);
  });

  it("do not follow parameters without a bottom", () => {
    const deep = JSON.parse(`${'{"a":'.repeat(50)}1${"}".repeat(50)}`) as unknown;
    expect(resolveReferences(deep, outputs)).toMatchObject({ kind: "dangling" });
  });
});

describe("planning", () => {
  const tools = {
    look: { problem: ({ n }: Record<string, unknown>) => (typeof n === "number" ? undefined : "n must be a number.") },
    other: {},
  };
  const plan = (parameters: unknown, tool = "look") => planText({ id: "a", tool, parameters });

  it("lets the model correct its plan twice, and tells it what is wrong", async () => {
    const rig = createAgentRig(["what?", plan({ n: "x" }), plan({ n: 1 })], tools);
    const ref = await rig.startOf(agentPlanning, { agent: testAgent, goal: "look" });
    expect(rig.state(ref).output).toMatchObject({ plan: { steps: [{ id: "a", parameters: { n: 1 } }] } });
    expect(rig.asked).toHaveLength(3);
    expect(rig.asked[1]!.messages.at(-1)!.content).toContain("no JSON object");
    expect(rig.asked[2]!.messages.at(-1)!.content).toContain("n must be a number.");
    expect(rig.eventData(ref, "plan-refused")).toHaveLength(2);
  });

  it.each([
    ["never says JSON", "no"],
    ["keeps naming a tool that is not there", plan({}, "rm -rf")],
    ["keeps naming a tool that is not allowed", plan({}, "other")],
    ["keeps sending parameters that do not fit", plan({ n: "x" })],
    [
      "refers to what it does not depend on",
      planText(
        { id: "a", tool: "look", parameters: { n: { $from: "b" } } },
        { id: "b", tool: "look", parameters: { n: 1 } },
      ),
    ],
  ])("ends in words when the model %s", async (_name, text) => {
    const rig = createAgentRig([text], tools);
    const ref = await rig.startOf(agentPlanning, { agent: { ...testAgent, tools: ["look"] }, goal: "look" });
    expect(rig.state(ref)).toMatchObject({ status: "failed", failure: { code: "no_plan" } });
    expect(rig.asked).toHaveLength(3);
    expect(rig.did).toEqual([]);
  });
});

describe("a phase by itself", () => {
  it("carries out a plan that it is given", async () => {
    const rig = createAgentRig([], { good: {} });
    const plan = { steps: [{ id: "a", tool: "good", parameters: {} }] };
    const ref = await rig.startOf(agentExecution, { agent: testAgent, goal: "try", plan });
    expect(rig.state(ref).output).toEqual({
      results: [{ id: "a", tool: "good", parameters: {}, status: "done", output: { did: "good" } }],
      failed: [],
    });
    expect(rig.asked).toEqual([]);
  });

  it("refuses a plan that cannot be carried out", async () => {
    const rig = createAgentRig([], {});
    const plan = { steps: [{ id: "a", tool: "ghost", parameters: {} }] };
    const ref = await rig.startOf(agentExecution, { agent: testAgent, goal: "try", plan });
    expect(rig.state(ref)).toMatchObject({
      status: "failed",
      failure: { code: "no_plan", message: expect.stringContaining("ghost") },
    });
  });

  it("sums up results that it is given", async () => {
    const rig = createAgentRig([summaryText("Fine.")], {});
    const results = [
      { id: "a", tool: "t", status: "done", output: 1 },
      { id: "b", tool: "t", status: "failed", errorText: "no" },
    ];
    const plan = { steps: [step("a"), step("b")] };
    const ref = await rig.startOf(agentReflection, { agent: testAgent, goal: "try", plan, results });
    expect(rig.state(ref).output).toMatchObject({ summary: "Fine.", failed: [{ id: "b", errorText: "no" }] });
  });
});
