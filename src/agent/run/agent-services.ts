import type { ModelAnswer } from "../tool-loop.ts";
import type { ModelRequest, ModelTool } from "../model-port.ts";
import type { Agent } from "./agent.ts";
import type { ModelPrice } from "./spending-account.ts";

/** Who acts: tools see and change what belongs to this user and this agent. */
export interface Actor {
  readonly userId: string;
  readonly agentId: string;
  readonly runId: string;
  readonly conversationId: string | undefined;
}

export interface KnownFact {
  readonly key: string;
  readonly value: string;
}

export interface AgentToolCall {
  readonly name: string;
  readonly parameters: unknown;
}

export type AgentToolOutcome =
  | { readonly kind: "ok"; readonly output: unknown }
  | { readonly kind: "failed"; readonly errorText: string };

/** The tools of one agent, as its runs use them. */
export interface AgentTools {
  /** Those that the agent may use. */
  describe(): readonly ModelTool[];
  /** Why the call cannot be made, in words for the model, or `undefined`. Parameters are checked only where `isComplete`. */
  problemOf(call: AgentToolCall, o: { readonly isComplete: boolean }): string | undefined;
  needsApproval(call: AgentToolCall): boolean;
  isReading(name: string): boolean;
  /** Attempts after the first that a step of this tool gets. */
  retriesOf(name: string): number;
  /** @throws when another attempt may help. */
  run(
    call: AgentToolCall,
    actor: Actor,
    step: { readonly idempotencyKey: string; readonly signal: AbortSignal },
  ): Promise<AgentToolOutcome>;
  /** What undoes the call, if anything does. */
  undoOf(
    name: string,
  ):
    | ((
        call: AgentToolCall & { readonly output: unknown },
        actor: Actor,
        step: { readonly idempotencyKey: string; readonly signal: AbortSignal },
      ) => Promise<void>)
    | undefined;
}

export interface CountedAnswer extends ModelAnswer {
  /** That the user may still spend today; absent where nobody counts it. */
  readonly tokensLeft?: number;
}

/** What runs of agents are given; used inside of steps only, but for `describe`, `problemOf` and the like, which are the same each time. */
export interface AgentServices {
  /** @throws rate_limited (refuse) when the user's tokens of the day are used up. */
  readonly askModel: (
    request: Omit<ModelRequest, "signal">,
    signal: AbortSignal,
    actor: Pick<Actor, "userId">,
  ) => Promise<CountedAnswer>;
  readonly toolsOf: (agent: Agent) => AgentTools;
  /** What may help with a goal: what was said in the conversation before, then what the agent knows, the most helpful first. */
  readonly recall: (actor: Actor, goal: string) => Promise<readonly KnownFact[]>;
  /** Keeps what a run learned, under a key of the agent's knowledge. */
  readonly remember: (actor: Actor, fact: KnownFact) => Promise<void>;
  /** Of the configured provider; 0 for a model without one. */
  readonly priceOf: (modelName: string | undefined) => ModelPrice;
}
