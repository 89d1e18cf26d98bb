/**
 * The life of a message between being taken and its end: when it is tried, what an outcome means, where it ends up.
 *
 * Invariants:
 * 1. A message is in the store from `accept` until it is delivered, failed for good or cancelled, and tried only while it is.
 * 2. One attempt of a message is under way at most (the fault "duplicate" sends that attempt twice).
 * 3. A message is tried 1 + maxRetries times at most.
 * 4. Its callbacks are sent once, after its end; a cancelled message has none.
 * 5. Whatever waits, waits on the stack's clock.
 */
import type { StackClock } from "../clock.ts";
import type { FaultBook, FaultRule } from "../faults.ts";
import type { Ledger } from "../ledger.ts";
import { deliverySubject, type Attempt } from "./attempt.ts";
import type { SendCallbacks } from "./callbacks.ts";
import type { DeadLetterStore } from "./dead-letter-store.ts";
import type { EventLog } from "./event-log.ts";
import type { Message, Outcome } from "./message.ts";
import type { MessageStore } from "./message-store.ts";
import { retryDelayMs } from "./retry-schedule.ts";

export interface Dispatcher {
  /** Takes over a message and delivers it at its `notBeforeMs`, never inside this call. */
  accept(message: Message): void;
  /** False when the message has already ended. An attempt under way is not called back; its outcome counts for nothing. */
  cancel(messageId: string): boolean;
  /** Resolves when no delivery is under way or due; retries and delayed messages that wait for their time do not count. */
  idle(): Promise<void>;
  /** Drops all waiting messages and takes no more. */
  close(): void;
}

export function createDispatcher(o: {
  clock: StackClock;
  ledger: Ledger;
  faults: FaultBook;
  messages: MessageStore;
  deadLetters: DeadLetterStore;
  events: EventLog;
  attempt: Attempt;
  sendCallbacks: SendCallbacks;
  retryScale: number;
}): Dispatcher {
  const cancelTimers = new Map<string, () => void>();
  let activeCount = 0;
  let isClosed = false;
  let idleWaiters: (() => void)[] = [];

  function end(): void {
    activeCount -= 1;
    if (activeCount > 0) return;
    for (const wake of idleWaiters.splice(0)) wake();
  }

  function note(
    message: Message,
    state: "CREATED" | "ACTIVE" | "DELIVERED" | "ERROR" | "FAILED",
    outcome?: Outcome,
  ): void {
    // A copy: the record lives on, the event tells what was.
    const event = { timeMs: o.clock.now(), state, message: { ...message } };
    o.events.append(outcome === undefined ? event : { ...event, outcome });
  }

  /** Runs `work` at `atMs`, counted as active from the moment at which it is due. */
  function startAt(atMs: number, message: Message, work: () => Promise<void> | void): void {
    if (isClosed) return;
    const isDue = atMs <= o.clock.now();
    if (isDue) activeCount += 1;
    const cancelTimer = o.clock.schedule(atMs, async () => {
      cancelTimers.delete(message.messageId);
      if (!isDue) activeCount += 1;
      try {
        await work();
      } finally {
        end();
      }
    });
    cancelTimers.set(message.messageId, () => {
      cancelTimer();
      if (isDue) end();
    });
  }

  function wait(message: Message): void {
    startAt(message.notBeforeMs, message, () => {
      const fault = o.faults.take("delivery", deliverySubject(message));
      if (fault?.action !== "delay") return tryOnce(message, fault);
      // A second task instead of a pause inside this one: a task that waits for the clock would hold up `advance`.
      startAt(o.clock.now() + (fault.delayMs ?? 0), message, () => tryOnce(message, undefined));
    });
  }

  async function tryOnce(message: Message, fault: FaultRule | undefined): Promise<void> {
    note(message, "ACTIVE");
    o.ledger.message(message.url);
    const outcome = await o.attempt(message, fault);
    if (o.messages.get(message.messageId) !== message) return;
    if (outcome.status >= 200 && outcome.status < 300) return succeed(message, outcome);
    note(message, "ERROR", outcome);
    if (message.retried >= message.maxRetries || isNonRetryable(outcome)) return fail(message, outcome);
    retry(message, outcome);
  }

  function succeed(message: Message, outcome: Outcome): void {
    o.messages.remove(message.messageId);
    note(message, "DELIVERED", outcome);
    o.sendCallbacks({ message, outcome });
  }

  function fail(message: Message, outcome: Outcome): void {
    o.messages.remove(message.messageId);
    note(message, "FAILED", outcome);
    const { dlqId } = o.deadLetters.add(message, outcome, o.clock.now());
    o.sendCallbacks({ message, outcome, dlqId });
  }

  function retry(message: Message, outcome: Outcome): void {
    const nowMs = o.clock.now();
    const nextDeliveryMs = nowMs + retryDelayMs({ message, header: outcome.header, nowMs, retryScale: o.retryScale });
    o.events.append({ timeMs: nowMs, state: "RETRY", message: { ...message }, outcome, nextDeliveryMs });
    message.retried += 1;
    message.notBeforeMs = nextDeliveryMs;
    wait(message);
  }

  return {
    accept(message) {
      o.messages.add(message);
      note(message, "CREATED");
      wait(message);
    },
    cancel(messageId) {
      const message = o.messages.get(messageId);
      if (message === undefined) return false;
      o.messages.remove(messageId);
      for (const state of ["CANCEL_REQUESTED", "CANCELED"] as const) {
        o.events.append({ timeMs: o.clock.now(), state, message: { ...message } });
      }
      cancelTimers.get(messageId)?.();
      cancelTimers.delete(messageId);
      return true;
    },
    close() {
      isClosed = true;
      for (const cancelTimer of cancelTimers.values()) cancelTimer();
      cancelTimers.clear();
    },
    idle: () => (activeCount === 0 ? Promise.resolve() : new Promise((resolve) => void idleWaiters.push(resolve))),
  };
}

/** Source: protocol document, B.6; the status alone is an ordinary failure. */
function isNonRetryable(outcome: Outcome): boolean {
  return outcome.status === 489 && outcome.header["Upstash-Nonretryable-Error"]?.[0]?.toLowerCase() === "true";
}
