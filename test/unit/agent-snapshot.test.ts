/** The agent that a run is given, as it was when the run was started. */
import { describe, expect, it } from "vitest";
import { anyAgent } from "../../src/agent/run/agent.ts";
import { AgentRunInput } from "../../src/agent/run/agent-run.ts";
import { newAgentId } from "../../src/core/ids.ts";
import { systemRandom } from "../../src/system/random.ts";

const inputOf = (id: string) => AgentRunInput.safeParse({ agent: { ...anyAgent, id }, goal: "x" });

describe("an agent in the input of a run", () => {
  it.each([newAgentId(systemRandom), anyAgent.id])("may be %s", (id) => {
    expect(inputOf(id)).toMatchObject({ success: true, data: { agent: { id } } });
  });

  it.each(["", "my cat is ill", "a:b", "{usr_1}", "é", "x".repeat(129)])(
    "is none at %j: its id becomes part of keys, which stand in clear",
    (id) => {
      expect(inputOf(id).success).toBe(false);
    },
  );
});
