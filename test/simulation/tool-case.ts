/** What one seed stands for where tools are queued: who asks for what, and what the services behind them do. */
import { limits } from "../../src/core/limits.ts";
import { seededWorld, type Chance } from "./chance.ts";
import { weatherOf, type Weather } from "./weather.ts";

/** `look` reads, `act` writes. */
export type QueuedToolName = "look" | "act";

/** One request of a client, repeated until it is answered where it is named. */
export interface PlannedRequest {
  readonly afterMs: number;
  /** Tells inputs apart: two requests of one name with two inputs are of two minds. */
  readonly input: number;
  readonly delaySeconds: number;
}

export interface PlannedOrder {
  readonly id: string;
  readonly tool: QueuedToolName;
  readonly retries: number;
  /** Whether its requests have a deduplication id, the same for all of them. */
  readonly isNamed: boolean;
  readonly requests: readonly PlannedRequest[];
  /** How often the service is down before it answers. */
  readonly outages: number;
  /** Its answer is no. */
  readonly isRefused: boolean;
  /** An operator looks through the dead letters after so long, and sends again what is there. */
  readonly revivals: readonly number[];
}

export interface ToolCase {
  readonly seed: number;
  readonly weather: Weather;
  readonly orders: readonly PlannedOrder[];
}

export function toolCaseOf(seed: number): ToolCase {
  const chance = seededWorld(seed + 0x7001);
  return {
    seed,
    weather: weatherOf(chance),
    orders: Array.from({ length: chance.between(1, 4) }, (_order, index) => planOrder(chance, index)),
  };
}

function planOrder(chance: Chance, index: number): PlannedOrder {
  const isNamed = chance.happens(0.7);
  const requests = chance.pick([1, 1, 2, 3]);
  return {
    id: `order-${index}`,
    tool: chance.pick(["look", "act", "act"] as const),
    retries: chance.between(0, limits.toolQueueRetriesMax),
    isNamed,
    requests: Array.from({ length: isNamed ? requests : 1 }, () => planRequest(chance)),
    outages: chance.happens(0.3) ? chance.between(1, 8) : 0,
    isRefused: chance.happens(0.1),
    revivals: chance.happens(0.3) ? [later(chance), later(chance)] : [],
  };
}

function planRequest(chance: Chance): PlannedRequest {
  return {
    afterMs: later(chance),
    input: chance.happens(0.8) ? 0 : 1,
    delaySeconds: chance.happens(0.3) ? chance.between(1, 3_600) : 0,
  };
}

function later(chance: Chance): number {
  return chance.between(0, chance.pick([50, 5_000, 120_000, 3_600_000, 86_400_000]));
}
