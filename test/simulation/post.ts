/** The queue of a world: at least once, late, in any order, and after its last attempt never again. */
import { limits } from "../../src/core/limits.ts";
import type { EngineParts } from "../../src/engine/engine-parts.ts";
import type { Director } from "./director.ts";
import { Killed, type Arrival, type Isolate, type Message, type Patience } from "./things.ts";

export interface Post<Services> {
  /** @param patience that of a trigger, unless it is said. */
  send(what: string, work: Message<Services>["work"], notBeforeMs: number, patience?: Patience): void;
  due(): readonly Message<Services>[];
  deliver(message: Message<Services>): void;
  /** Infinity when nothing is on its way. */
  nextMs(): number;
  isAbout(runId: string): boolean;
}

export interface PostParts<Services> {
  readonly director: Director;
  readonly now: () => number;
  readonly note: (what: string) => void;
  readonly at: (atMs: number, what: string, act: () => void) => void;
  readonly invoke: (
    what: string,
    work: (engine: EngineParts<Services>, isolate: Isolate) => Promise<Arrival>,
  ) => Promise<Arrival>;
}

/** 1, 4, 16 s, as the triggers ask for it. */
const triggerPatience: Patience = { retries: limits.triggerRetries, backoffMs: (retried) => 1_000 * 4 ** retried };

export function createPost<Services>({ director, now, note, at, invoke }: PostParts<Services>): Post<Services> {
  const messages: Message<Services>[] = [];
  let count = 0;

  function giveUp(message: Message<Services>): void {
    note(`${message.id} is a dead letter`);
    message.patience.onDead?.(message);
  }

  function again(message: Message<Services>, delayMs: number): void {
    if (message.retried >= message.patience.retries) return giveUp(message);
    messages.push({ ...message, retried: message.retried + 1, notBeforeMs: now() + delayMs });
  }

  function attempt(message: Message<Services>): void {
    const { id, what, work, retried, patience } = message;
    const backoffMs = patience.backoffMs(retried);
    let isAnswered = false;
    function answer({ outcome, againAfterMs, isRefused = false }: Arrival): void {
      note(`${id}: ${outcome}${isAnswered ? ", too late" : ""}`);
      if (!isAnswered && isRefused) giveUp(message);
      else if (!isAnswered && againAfterMs !== undefined) again(message, againAfterMs);
      isAnswered = true;
    }
    const patienceMs = director.patienceMs();
    if (patienceMs < Infinity) {
      at(now() + patienceMs, `${id}: the queue no longer waits`, () => {
        if (!isAnswered) answer({ outcome: "no answer", againAfterMs: backoffMs });
      });
    }
    const broken = (error: unknown): Arrival => ({
      outcome: error instanceof Killed ? "killed" : String(error),
      againAfterMs: backoffMs,
    });
    void invoke(`${id} (${retried}): ${what}`, (engine, isolate) => work(engine, { messageId: id, retried }, isolate))
      .catch(broken)
      .then(answer);
  }

  return {
    send(what, work, notBeforeMs, patience = triggerPatience) {
      messages.push({ id: `msg_${(count += 1)}`, what, work, patience, notBeforeMs, retried: 0 });
    },
    due: () => messages.filter(({ notBeforeMs }) => notBeforeMs <= now()),
    deliver(message) {
      const delayMs = director.delayMs();
      if (delayMs > 0) return void (message.notBeforeMs = now() + delayMs);
      messages.splice(messages.indexOf(message), 1);
      const copyMs = director.copyMs();
      if (copyMs !== undefined) messages.push({ ...message, notBeforeMs: now() + copyMs });
      attempt(message);
    },
    nextMs: () => Math.min(...messages.map(({ notBeforeMs }) => notBeforeMs)),
    isAbout: (runId) => messages.some(({ what }) => what.includes(runId)),
  };
}
