/**
 * What the code of a run may do. The code itself must be deterministic: everything that touches the world, takes time or chance goes through here,
 * and nothing else is awaited.
 */
import type { AsJson, JsonValue } from "../core/json.ts";
import type { Duration } from "./duration.ts";
import type { RunDefinition } from "./run-definition.ts";
import type { RunMemory } from "./working-memory.ts";

export interface StepContext {
  /** The same for each attempt of this step of this run, and for no other: hand it to whatever must not act twice. */
  readonly idempotencyKey: string;
  /** 1 for the first. */
  readonly attempt: number;
  /** Aborts when the attempt's time is over, when the run is cancelled, and when another segment has taken it over. */
  readonly signal: AbortSignal;
}

export interface StepOptions<Result> {
  /** Attempts after the first; 3 without it, at most `limits.stepRetriesMax`. */
  readonly retries?: number;
  /** Before the first retry; doubled for each further one, at most an hour, with up to a quarter of chance. 1 s without it. */
  readonly backoff?: Duration;
  /** Of one attempt; 30 s without it. */
  readonly timeout?: Duration;
  /** Undoes the step when the run fails later, or is cancelled. May run more than once, as a step may. */
  readonly compensate?: (result: Result, step: StepContext) => unknown;
  /** Attempts of `compensate` after the first; 8 without it. When the last has failed, the run is parked for a person. */
  readonly compensateRetries?: number;
  /**
   * What the step does to the world; `write` without it. In a fork whose run is dry, steps that write are not run: they answer with `dryResult`,
   * and a run without one is parked there.
   */
  readonly effect?: "read" | "write";
  readonly dryResult?: Result;
}

export type SignalOutcome<Payload> =
  | { readonly kind: "received"; readonly payload: Payload }
  | { readonly kind: "timed-out" };

export interface CallRequest {
  readonly url: string;
  /** `POST` with a body, `GET` without one, unless it is given. */
  readonly method?: "GET" | "POST" | "PUT" | "PATCH" | "DELETE";
  readonly headers?: Readonly<Record<string, string>>;
  /** Sent as JSON. */
  readonly body?: JsonValue;
  /** Attempts after the first that the queue makes; 0 without it. */
  readonly retries?: number;
  /** Of one attempt. */
  readonly timeout?: Duration;
}

export interface CallResponse {
  /** 0 when no response arrived; the body says why then. */
  readonly status: number;
  readonly body: string;
  /** The body was longer than `limits.callAnswerCharsMax` and is left out. */
  readonly isTooLarge?: true;
}

export type LoopTurn<State, Result> = { readonly kind: "next"; readonly state: State } | LoopEnd<Result>;

type LoopEnd<Result> = [void] extends [Result]
  ? { readonly kind: "done"; readonly result?: Result }
  : { readonly kind: "done"; readonly result: Result };

/** A loop that begins with 0 may go on with 1. */
type Widened<State> = State extends number
  ? number
  : State extends string
    ? string
    : State extends boolean
      ? boolean
      : State;

export interface RunContext<Services = unknown> {
  readonly runId: string;
  readonly userId: string;
  /** The conversation that the run belongs to, if any. */
  readonly conversationId: string | undefined;
  /** What this app gives to its runs: clients, tools. Used inside of steps only. */
  readonly services: Services;

  /**
   * Does something to the world, once per journal: after its result is durable the body is never run again. The result is what JSON keeps of it, the first time, too.
   * A name that was used before is numbered (`name#2`), so steps may stand in loops.
   * @throws StepFailed when the last attempt has failed.
   */
  step<Result>(
    name: string,
    body: (step: StepContext) => Result | Promise<Result>,
    options?: StepOptions<AsJson<Awaited<Result>>>,
  ): Promise<AsJson<Awaited<Result>>>;
  /** Waits for all of them to end, also when one fails; then throws the first failure in the order given. */
  all<const Steps extends readonly unknown[]>(
    steps: Steps,
  ): Promise<{ -readonly [Index in keyof Steps]: Awaited<Steps[Index]> }>;
  /** Nothing runs meanwhile, for days if need be. */
  sleep(name: string, duration: Duration): Promise<void>;
  /** @param until unix ms, or a date. */
  sleepUntil(name: string, until: number | Date): Promise<void>;
  /**
   * Waits until somebody sends the run a signal of this name. A signal that came before is taken at once, the oldest first; each is taken once.
   */
  waitForSignal<Payload = JsonValue>(
    name: string,
    options?: { readonly timeout?: Duration },
  ): Promise<SignalOutcome<Payload>>;
  /**
   * Has the queue make a slow HTTP request and call back, so that no Worker waits for it. Also an error status is an answer.
   * @throws StepFailed when there is no queue that can.
   */
  call(name: string, request: CallRequest): Promise<CallResponse>;
  /**
   * Starts another run and waits for its end.
   * @throws StepFailed with the child's failure.
   */
  child<Input, Output>(
    name: string,
    definition: RunDefinition<Input, Output, Services>,
    input: Input,
  ): Promise<AsJson<Output>>;
  /**
   * A loop whose turns are forgotten once they are over, so that it may turn for ever at the same cost. Each turn gets the state that the one before
   * left; `done` ends the loop. A turn uses the context that it is given; its steps have no `compensate`.
   */
  loop<State extends JsonValue, Result extends JsonValue | void = void>(
    name: string,
    initial: State,
    turn: (ctx: RunContext<Services>, state: Widened<State>) => Promise<LoopTurn<Widened<State>, Result>>,
  ): Promise<Result>;
  /**
   * Tells the readers of the run's events. Once per journal, like a step, but durable only with the next one.
   * @param name kebab-case; not one that begins like the engine's own events (`workflow-`, `segment-`, `step-`, `compensation-`, `loop-`).
   */
  emit(name: string, payload: JsonValue): void;
  /** What the run keeps in mind: read by its code on later segments, and by its owner at `GET /api/runs/:runId/memory`. */
  readonly memory: RunMemory;
  /** Unix ms of the last outcome: stands still between two steps, and is the same whenever the code is run again. */
  now(): number;
  /** Between 0 and 1, and the same whenever the code is run again. Not for secrets. */
  random(): number;
}
