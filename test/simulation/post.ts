/** The queue of a world: at least once, late, in any order, and after its last attempt never again. */
import { limits } from "../../src/core/limits.ts";
import type { EngineParts } from "../../src/engine/engine-parts.ts";
import type { Director } from "./director.ts";
import { Killed, type Arrival, type Message } from "./things.ts";

export interface Post<Services> {
  send(what: string, work: Message<Services>["work"], notBeforeMs: number): void;
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
  readonly invoke: (what: string, work: (engine: EngineParts<Services>) => Promise<Arrival>) => Promise<Arrival>;
}

export function createPost<Services>({ director, now, note, at, invoke }: PostParts<Services>): Post<Services> {
  const messages: Message<Services>[] = [];
  let count = 0;

  function again(message: Message<Services>, delayMs: number): void {
    if (message.retried >= limits.triggerRetries) return note(`${message.id} is a dead letter`);
    messages.push({ ...message, retried: message.retried + 1, notBeforeMs: now() + delayMs });
  }

  /** 1, 4, 16 s, as the triggers ask for it. */
  function backoffMs({ retried }: Message<Services>): number {
    return 1_000 * 4 ** retried;
  }

  function attempt(message: Message<Services>): void {
    const { id, what, work, retried } = message;
    let isAnswered = false;
    function answer(outcome: string, againAfterMs?: number): void {
      note(`${id}: ${outcome}${isAnswered ? ", too late" : ""}`);
      if (!isAnswered && againAfterMs !== undefined) again(message, againAfterMs);
      isAnswered = true;
    }
    const patienceMs = director.patienceMs();
    if (patienceMs < Infinity) {
      at(now() + patienceMs, `${id}: the queue no longer waits`, () => {
        if (!isAnswered) answer("no answer", backoffMs(message));
      });
    }
    invoke(`${id} (${retried}): ${what}`, (engine) => work(engine, { messageId: id, retried })).then(
      ({ outcome, againAfterMs }) => answer(outcome, againAfterMs),
      (error: unknown) => answer(error instanceof Killed ? "killed" : String(error), backoffMs(message)),
    );
  }

  return {
    send(what, work, notBeforeMs) {
      messages.push({ id: `msg_${(count += 1)}`, what, work, notBeforeMs, retried: 0 });
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
