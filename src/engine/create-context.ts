/** The context of a run over an interpreter: checks what the code hands in, and keeps what undoes a step. */
import type { JsonValue } from "../core/json.ts";
import { limits } from "../core/limits.ts";
import { checked } from "./attempt-step.ts";
import { seededChance } from "./chance.ts";
import { durationMs } from "./duration.ts";
import type { Duration } from "./duration.ts";
import { demand, demandJson, RunFailed, StepFailed } from "./failures.ts";
import { createNumbering } from "./number-steps.ts";
import type { Interpreter } from "./interpreter.ts";
import { isOwnSignal, type RunState } from "./run-state.ts";
import type { CallRequest, CallResponse, LoopTurn, RunContext, StepOptions } from "./run-context.ts";
import { tooManySteps, writesInDryRun } from "./park-reasons.ts";
import { callSignal, childSignal, type ChildEnd, type Outreach } from "./outreach.ts";
import type { Outcome } from "./step-order.ts";
import type { WaitRequest } from "./step-request.ts";
import { isEventName } from "./run-event.ts";
import type { Undoer } from "./undo-steps.ts";
import { createMemoryDesk, type MemoryChange, type WorkingMemory } from "./working-memory.ts";

export interface ContextParts<Services> {
  readonly interpreter: Interpreter;
  readonly state: RunState;
  readonly ref: { readonly userId: string; readonly runId: string };
  readonly services: Services;
  readonly outreach: Outreach;
  readonly writeEvent: (name: string, payload: JsonValue) => void;
  readonly writeMemory: (change: MemoryChange) => void;
  readonly now: () => number;
}

export interface CreatedContext<Services> {
  readonly ctx: RunContext<Services>;
  /** What undoes each step that was asked for, by step. */
  readonly undoers: ReadonlyMap<string, Undoer>;
}

export function createContext<Services>(parts: ContextParts<Services>): CreatedContext<Services> {
  const { interpreter, state, ref } = parts;
  const undoers = new Map<string, Undoer>();
  const isDry = state.started?.isDry === true;
  const turns = recordedTurns(state);
  const alreadyEmitted = state.emitted;
  const desk = createMemoryDesk(state.memory, parts.writeMemory);
  let emitted = 0;

  async function valueOf(step: string, outcome: Promise<Outcome>): Promise<JsonValue | undefined> {
    const settled = await outcome;
    if (settled.kind === "failed") throw new StepFailed(step, settled.failure);
    return settled.value;
  }

  function countEmitted(count: number): void {
    emitted += count;
  }

  /** @param tell hears how many events were emitted in the scope. */
  function scoped(scope: string, tell: (count: number) => void): RunContext<Services> {
    const number = createNumbering(scope, () => interpreter.getStuck(tooManySteps));

    /** A body is not run again when its step is recorded; then what it had asked for would be missed. */
    function demandOutside(what: string): void {
      const outer = interpreter.starting();
      demand(outer === undefined, `${what} stands inside of the body of step "${outer}": ask for it beside the step`);
    }

    function numbered(name: string): string {
      demandOutside(`step "${name}"`);
      return number(name);
    }

    function wait(step: string, request: WaitRequest): Promise<JsonValue | undefined> {
      return valueOf(step, interpreter.wait(step, request));
    }

    async function runStep<Result>(
      name: string,
      body: Parameters<RunContext["step"]>[1],
      options: StepOptions<Result> = {},
    ) {
      const id = numbered(name);
      const { compensate } = options;
      if (compensate !== undefined) {
        demand(scope === "", `step "${id}" stands in a loop, whose turns are forgotten: it cannot be undone`);
        undoers.set(id, { undo: compensate as Undoer["undo"], retries: options.compensateRetries });
      }
      if (isDry && (options.effect ?? "write") === "write") return dryResult(id, options);
      const isUndoable = compensate === undefined ? {} : { isUndoable: true as const };
      return valueOf(id, interpreter.step(id, { body, options, ...isUndoable }));
    }

    function dryResult<Result>(id: string, options: StepOptions<Result>): Promise<JsonValue | undefined> {
      if (!("dryResult" in options)) return valueOf(id, interpreter.refuse(id, writesInDryRun(id)));
      return valueOf(id, interpreter.decide(id, checked(options.dryResult)));
    }

    function untilMs(duration: Duration): number {
      return parts.now() + Math.min(durationMs(duration), limits.waitMsMax);
    }

    const ctx: RunContext<Services> = {
      ...ref,
      conversationId: state.started?.conversationId,
      services: parts.services,
      step: ((...asked: Parameters<typeof runStep>) => heardOrNot(runStep(...asked))) as RunContext<Services>["step"],
      async all(steps) {
        const settled = await Promise.allSettled(steps);
        const failed = settled.find((outcome) => outcome.status === "rejected");
        if (failed !== undefined) throw failed.reason;
        return settled.map((outcome) => (outcome as PromiseFulfilledResult<unknown>).value) as never;
      },
      async sleep(name, duration) {
        await wait(numbered(name), { untilMs: untilMs(duration) });
      },
      async sleepUntil(name, until) {
        const atMs = Math.min(Number(until), parts.now() + limits.waitMsMax);
        demand(Number.isFinite(atMs), `"${name}" sleeps until no time: it has to be a Date, or unix milliseconds`);
        await wait(numbered(name), { untilMs: atMs });
      },
      async waitForSignal(name, { timeout } = {}) {
        demand(isSignalName(name), `"${name}" is no name of a signal`);
        const deadline = untilMs(timeout ?? limits.waitMsMax);
        return (await wait(numbered(name), { untilMs: deadline, signal: name, atTime: timedOut })) as never;
      },
      async call(name, request) {
        const id = numbered(name);
        const signal = callSignal(id);
        const begin = () => parts.outreach.call(id, request, signal);
        const outcome = await wait(id, { untilMs: untilMs(callPatienceMs(request)), signal, begin, atTime: timedOut });
        return payloadOf(id, outcome, "the queue did not call back") as CallResponse;
      },
      async child(name, definition, input) {
        const id = numbered(name);
        const signal = childSignal(id);
        const begin = () => parts.outreach.startChild(id, definition, input);
        const outcome = await wait(id, { untilMs: untilMs(limits.waitMsMax), signal, begin, atTime: timedOut });
        const ended = payloadOf(id, outcome, "the child did not end") as ChildEnd;
        if (ended.kind === "failed") throw new StepFailed(id, ended.failure);
        return ended.output as never;
      },
      async loop(name, initial, turn) {
        const id = numbered(name);
        const recorded = turns.get(id);
        let last = recorded?.turn ?? -1;
        let ended: JsonValue | undefined;
        let emittedInside = 0;
        function tellInside(count: number): void {
          emittedInside += count;
          tell(count);
        }
        if (recorded !== undefined) {
          ended = await valueOf(turnStep(id, last), interpreter.decide(turnStep(id, last), neverAsked));
          tellInside(recorded.emitted);
          desk.restore(recorded.memory);
        }
        for (;;) {
          const before = ended as LoopTurn<JsonValue, JsonValue> | undefined;
          if (before?.kind === "done") return before.result as never;
          last += 1;
          if (last >= limits.loopTurnsMax) throw new RunFailed(`loop "${id}" has turned ${last} times`);
          const left = (before === undefined ? initial : before.state) as never;
          const end = await turn(scoped(`${turnStep(id, last)}/`, tellInside), left);
          demand(
            end?.kind === "next" || end?.kind === "done",
            `a turn of loop "${id}" answers with neither next nor done`,
          );
          const outcome = checked(end);
          const closing = { closes: `${id}[`, emitted: emittedInside };
          ended = await valueOf(turnStep(id, last), interpreter.decide(turnStep(id, last), outcome, closing));
        }
      },
      memory: desk.scoped(scope),
      emit(name, payload) {
        demandOutside(`event "${name}"`);
        demand(isEventName(name), `"${name}" is no name of an event of yours: use kebab-case, and no prefix of ours`);
        tell(1);
        if (emitted <= alreadyEmitted) return;
        const json = demandJson(`the payload of "${name}"`, payload, limits.eventPayloadBytesMax);
        parts.writeEvent(name, json ?? null);
      },
      now: interpreter.lastAt,
      random: seededChance(`${state.started?.origin?.runId ?? ref.runId}/${scope}`),
    };
    return ctx;
  }

  return { ctx: scoped("", countEmitted), undoers };
}

/** Names that begin with `$` are the engine's own. */
export function isSignalName(name: unknown): name is string {
  return typeof name === "string" && name.length >= 1 && name.length <= limits.stepNameCharsMax && !isOwnSignal(name);
}

const timedOut = { kind: "timed-out" } as const;
/** Stands for an outcome that is recorded and is handed out instead. */
const neverAsked: Outcome = { kind: "done", value: undefined };

/** What nobody awaits may fail: its failure is recorded, and is no unhandled rejection. */
function heardOrNot<Result>(result: Promise<Result>): Promise<Result> {
  result.catch(() => undefined);
  return result;
}

function payloadOf(step: string, outcome: JsonValue | undefined, otherwise: string): unknown {
  const received = outcome as { kind: string; payload?: unknown };
  if (received.kind === "received") return received.payload;
  throw new StepFailed(step, { name: "LostAnswer", code: "answer_lost", message: otherwise });
}

/** All attempts of the queue, with pauses between them, and then some. */
function callPatienceMs({ timeout, retries = 0 }: CallRequest): number {
  return (durationMs(timeout ?? limits.callTimeoutMs) + limits.callPauseMs) * (retries + 1);
}

function turnStep(loop: string, turn: number): string {
  return `${loop}[${turn}]`;
}

interface RecordedTurn {
  readonly turn: number;
  readonly emitted: number;
  readonly memory: WorkingMemory;
}

/** The last turn of each loop that is over, and what the code had emitted and remembered by then. */
function recordedTurns(state: RunState): Map<string, RecordedTurn> {
  const turns = new Map<string, RecordedTurn>();
  for (const { step, turn } of state.settled) {
    const match = turn === undefined ? null : /^(.*)\[(\d+)\]$/s.exec(step);
    if (match !== null && turn !== undefined) turns.set(match[1]!, { ...turn, turn: Number(match[2]) });
  }
  return turns;
}
