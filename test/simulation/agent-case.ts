/** What one seed stands for where agents run: what the model will say, what the tools will do, and what people will answer. */
import type { PlannedAct } from "./case.ts";
import { seededWorld, type Chance } from "./chance.ts";
import { weatherOf, type Weather } from "./weather.ts";

/** `look` reads, `act` can be undone, `pay` needs a person's word. */
export type AgentToolName = "look" | "act" | "pay";

export interface PlannedCall {
  readonly id: string;
  readonly tool: AgentToolName;
  readonly dependsOn: readonly string[];
  /** A step whose receipt it hands on. */
  readonly from: string | undefined;
  /** Its answer is no. */
  readonly isRefused: boolean;
  /** How often the service is down before it answers. */
  readonly outages: number;
}

export interface PlannedAgentRun {
  readonly afterMs: number;
  readonly shape: "plan" | "loop";
  /** Plan by plan, or turn by turn. The model comes to the next one when a step of the last has failed, or in a loop always. */
  readonly plans: readonly (readonly PlannedCall[])[];
  /** Answers that are no plan, before the first one that is. */
  readonly junk: number;
  readonly acts: readonly PlannedAct[];
}

export interface AgentCase {
  readonly seed: number;
  readonly weather: Weather;
  readonly runs: readonly PlannedAgentRun[];
}

export function agentCaseOf(seed: number): AgentCase {
  const chance = seededWorld(seed + 0xa9e27);
  return {
    seed,
    weather: weatherOf(chance),
    runs: Array.from({ length: chance.between(1, 2) }, () => planRun(chance)),
  };
}

function planRun(chance: Chance): PlannedAgentRun {
  const shape = chance.happens(0.75) ? "plan" : "loop";
  const plans = Array.from({ length: 3 }, (_plan, index) => planCalls(chance, shape, index));
  const junk = shape === "loop" || chance.happens(0.8) ? 0 : chance.between(1, 3);
  return { afterMs: chance.between(0, 10_000), shape, plans, junk, acts: planActs(chance, plans) };
}

function planCalls(chance: Chance, shape: "plan" | "loop", plan: number): PlannedCall[] {
  const calls: PlannedCall[] = [];
  const count = chance.between(1, shape === "plan" ? 6 : 3);
  for (let number = 0; number < count; number += 1) {
    const earlier = shape === "plan" ? calls.map(({ id }) => id).filter(() => chance.happens(0.4)) : [];
    const tool = chance.pick(["look", "look", "act", "act", "pay"] as const);
    calls.push({
      id: shape === "plan" ? `p${plan}-${number}` : `call-${plan}-${number}`,
      tool,
      dependsOn: earlier,
      from: earlier.length > 0 && chance.happens(0.7) ? chance.pick(earlier) : undefined,
      isRefused: tool !== "act" && chance.happens(0.15),
      outages: chance.happens(0.15) ? chance.between(1, 4) : 0,
    });
  }
  return calls;
}

function planActs(chance: Chance, plans: PlannedAgentRun["plans"]): PlannedAct[] {
  const later = (): number => chance.between(0, chance.pick([5_000, 120_000, 86_400_000, 86_400_000 * 8]));
  const acts: PlannedAct[] = [];
  let gated = 0;
  for (const { id, tool } of plans.flat()) {
    if (tool !== "pay") continue;
    gated += 1;
    // The ids of a loop's calls are counted by the engine's side, so the answers may be for a call that never comes.
    const step = id.startsWith("call-") ? `call-${gated}` : id;
    // Some are never answered, and some twice, with one word or with another.
    for (let answer = chance.pick([0, 1, 1, 1, 2]); answer > 0; answer -= 1) {
      const payload = chance.happens(0.7) ? { approved: true } : { approved: false, reason: "no" };
      const name = `approval:${step}`;
      const sent = { kind: "signal", id: chance.happens(0.5) ? name : `${name}-${answer}`, name, payload } as const;
      acts.push({ afterMs: later(), act: sent });
      if (chance.happens(0.2)) acts.push({ afterMs: later(), act: sent });
    }
  }
  if (chance.happens(0.2)) {
    acts.push({ afterMs: later(), act: { kind: "cancel", reason: "enough", isUndoing: chance.happens(0.7) } });
  }
  if (chance.happens(0.1)) acts.push({ afterMs: later(), act: { kind: "pause" } });
  return acts;
}
