/** What a run leaves in its conversation, and in its output, tells what was done, not what was planned. */
import { describe, expect, it } from "vitest";
import { agentRun } from "../../src/agent/run/agent-run.ts";
import { shorten } from "../../src/agent/run/shorten.ts";
import type { Message } from "../../src/memory/message.ts";
import { createAgentRig, planText, summaryText, testAgent } from "../support/agent-rig.ts";

const plan = planText(
  { id: "table", tool: "find" },
  {
    id: "pay",
    tool: "charge",
    parameters: { table: { $from: "table", path: "offers.0" }, usd: 60 },
    dependsOn: ["table"],
  },
);
const resolved = { table: "by the window", usd: 60 };

/** The charge of a dinner, after its user's word. */
async function paid(word: unknown, offers: readonly string[] = ["by the window"]) {
  const rig = createAgentRig([plan, summaryText("Done.")], {
    find: { run: () => ({ kind: "ok", output: { offers } }) },
    charge: { needsApproval: true, problem: ({ usd }) => (usd === 0 ? "usd must be above 0" : undefined) },
  });
  const ref = await rig.startOf(agentRun, { agent: { ...testAgent, limits: { replans: 0 } }, goal: "pay" }, "c");
  await rig.signal(ref, "approval:pay", word);
  await rig.deliverAll();
  const answer = JSON.parse(rig.journal.conversation("usr_1", "c").messages.at(-1)!) as Message;
  const part = answer.parts.find(({ type }) => type === "tool-charge");
  return { part, result: rig.output(ref).results.find(({ id }) => id === "pay"), asked: rig.asked };
}

describe("the answer of a run", () => {
  it.each([
    ["as it was resolved", { approved: true }, resolved, "output-available"],
    ["as whoever approved it changed it", { approved: true, parameters: { usd: 5 } }, { usd: 5 }, "output-available"],
    ["as it was denied", { approved: false }, resolved, "output-denied"],
    ["as a change made it unfit", { approved: true, parameters: { usd: 0 } }, { usd: 0 }, "output-error"],
  ])("tells a call %s", async (_case, word, parameters, state) => {
    const { part, result } = await paid(word);
    expect(part).toMatchObject({ state, input: parameters });
    expect(result).toMatchObject({ parameters });
  });

  it("tells what was planned where a reference led nowhere", async () => {
    const { part } = await paid({ approved: true }, []);
    expect(part).toMatchObject({ state: "output-error", input: { table: { $from: "table" } } });
  });

  it("is written with what was done in view", async () => {
    const { asked } = await paid({ approved: true, parameters: { usd: 5 } });
    expect(JSON.stringify(asked.at(-1))).toContain(JSON.stringify('"parameters":{"usd":5}').slice(1, -1));
  });
});

describe("what was shortened", () => {
  it("is cut further, and not wrapped once more", () => {
    const once = shorten({ text: "x".repeat(100) }, 50);
    expect(shorten(once, 20)).toEqual({ shortened: JSON.stringify({ text: "x".repeat(100) }).slice(0, 20) });
  });
});
