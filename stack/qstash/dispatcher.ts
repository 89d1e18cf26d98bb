/**
 * The life of a message between being taken and its end: when it is tried, what an outcome means, where it ends up.
 *
 * Invariants:
 * 1. A message is in the store from `accept` until it is delivered, failed for good or cancelled, and tried only while it is.
 * 2. One attempt of a message is under way at most (the fault "duplicate" sends that attempt twice).
 * 3. A message is tried 1 + maxRetries times at most.
 * 4. It is concluded once, after its end (a dead letter, callbacks); a cancelled message is not.
 * 5. Whatever waits for a time, waits on the stack's clock; what waits for others is at a gate.
 * 6. What the store holds from an earlier process is tried as if nothing had happened; an attempt that was under way begins
 *    anew with the same count. So a destination may see it twice, and never less than once.
 * 7. Nothing is delivered that is not in the storage.
 */
import type { StackClock } from "../clock.ts";
import type { FaultBook, FaultRule } from "../faults.ts";
import type { Ledger } from "../ledger.ts";
import { deliverySubject, type Attempt } from "./attempt.ts";
import type { Conclude } from "./conclude-message.ts";
import { createDeliveryTimers } from "./delivery-timers.ts";
import type { EventLog } from "./event-log.ts";
import type { FlowGate } from "./flow-gate.ts";
import type { Message, Outcome } from "./message.ts";
import type { MessageStore } from "./message-store.ts";
import { isFinal, isSuccess } from "./outcome.ts";
import type { QueueGate } from "./queue-gate.ts";
import { retryDelayMs } from "./retry-schedule.ts";

export interface Dispatcher {
  /** Takes over a message and delivers it at its `notBeforeMs`, never inside this call. */
  accept(message: Message): void;
  /** False when the message has already ended. An attempt under way is not called back; its outcome counts for nothing. */
  cancel(messageId: string): boolean;
  /** Begins with the messages of an earlier process, once. */
  takeUp(): void;
  /** Goes on with a message that had to wait at a gate. */
  resume(message: Message): void;
  /** Attempts under way. */
  attemptCount(): number;
  /** Resolves when no delivery is under way or due; retries and delayed messages that wait for their time do not count. */
  idle(): Promise<void>;
  /** Starts nothing more. What waits stays in the store; what is under way is awaited by `idle`. */
  close(): void;
}

interface DispatcherParts {
  clock: StackClock;
  ledger: Ledger;
  faults: FaultBook;
  messages: MessageStore;
  events: EventLog;
  attempt: Attempt;
  queueGate: QueueGate;
  flowGate: FlowGate;
  conclude: Conclude;
  /** Resolves when what was taken so far is in the storage. */
  flushed: () => Promise<unknown>;
  retryScale: number;
}

export function createDispatcher(o: DispatcherParts): Dispatcher {
  const timers = createDeliveryTimers(o.clock);
  const underWay = new Set<string>();
  let isClosed = false;
  let restored = o.messages.list();

  function wait(message: Message, atMs = message.notBeforeMs): void {
    timers.start(message.messageId, atMs, () => enter(message));
  }

  /** A message that is sent back by a gate comes here again, through `resume`. */
  function enter(message: Message): Promise<void> | void {
    if (!o.queueGate.admit(message)) return;
    // The second gate is for the attempt alone: a message keeps its place in the queue while it waits for it.
    if (!o.flowGate.admit(message)) return;
    return begin(message);
  }

  function begin(message: Message): Promise<void> | void {
    const fault = o.faults.take("delivery", () => deliverySubject(message));
    if (fault?.action !== "delay") return tryOnce(message, fault);
    // A second plan instead of a pause inside this one: a task that waits for the clock would hold up `advance`.
    const resumeMs = o.clock.now() + (fault.delayMs ?? 0);
    timers.start(message.messageId, resumeMs, () => tryOnce(message, undefined));
  }

  async function tryOnce(message: Message, fault: FaultRule | undefined): Promise<void> {
    underWay.add(message.messageId);
    o.events.note("ACTIVE", message);
    o.ledger.message(message.url);
    await o.flushed();
    const outcome = await o.attempt(message, fault);
    underWay.delete(message.messageId);
    // We broke the attempt off ourselves: it counts for nothing, and the next process begins it anew.
    if (isClosed && outcome.status === 0) return;
    o.flowGate.leave(message);
    // Cancelled meanwhile: nobody wants the outcome, but only now is its place free.
    if (o.messages.get(message.messageId) !== message) return o.queueGate.end(message.messageId);
    if (isSuccess(outcome)) return end(message, outcome, "DELIVERED");
    o.events.note("ERROR", message, { outcome });
    if (message.retried >= message.maxRetries || isFinal(outcome)) return end(message, outcome, "FAILED");
    retry(message, outcome);
  }

  function end(message: Message, outcome: Outcome, state: "DELIVERED" | "FAILED"): void {
    o.messages.remove(message.messageId);
    o.events.note(state, message, { outcome });
    const followingIds = o.conclude({ message, outcome, isFailed: state === "FAILED" });
    // A callback that repeats an earlier message is that message, which may be over already.
    const callbackIds = followingIds.filter((id) => o.messages.get(id) !== undefined);
    o.queueGate.end(message.messageId, callbackIds);
  }

  function retry(message: Message, outcome: Outcome): void {
    const nowMs = o.clock.now();
    const nextDeliveryMs = nowMs + retryDelayMs({ message, header: outcome.header, nowMs, retryScale: o.retryScale });
    o.events.note("RETRY", message, { outcome, nextDeliveryMs });
    message.retried += 1;
    message.notBeforeMs = nextDeliveryMs;
    o.messages.save(message);
    wait(message);
  }

  return {
    accept(message) {
      o.messages.add(message);
      o.events.note("CREATED", message);
      if (message.flowControl !== undefined) o.flowGate.configure(message.flowControl);
      wait(message);
    },
    takeUp() {
      for (const message of restored) {
        // A time before the message came would let it overtake those of its queue that came earlier.
        const dueMs = Math.max(message.createdAtMs, message.notBeforeMs);
        if (o.messages.get(message.messageId) === message) wait(message, dueMs);
      }
      restored = [];
    },
    cancel(messageId) {
      const message = o.messages.get(messageId);
      if (message === undefined) return false;
      o.messages.remove(messageId);
      timers.cancel(messageId);
      o.events.note("CANCEL_REQUESTED", message);
      o.events.note("CANCELED", message);
      if (underWay.has(messageId)) return true;
      o.flowGate.leave(message);
      o.queueGate.end(messageId);
      return true;
    },
    resume: (message) => timers.start(message.messageId, o.clock.now(), () => enter(message)),
    attemptCount: () => underWay.size,
    idle: timers.idle,
    close() {
      isClosed = true;
      timers.close();
    },
  };
}
