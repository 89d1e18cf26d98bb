/**
 * Who of a queue is under way. Source: protocol document, B.8.
 *
 * Invariants:
 * 1. A message has its place from its first attempt until it and its callbacks have ended, the pauses before retries included.
 * 2. A queue gives at most `parallelism` places, in the order in which messages became due (a delayed one stands in nobody's way).
 * 3. A paused queue gives no places; who has one keeps it and goes on to its end.
 */
import type { Message } from "./message.ts";
import type { QueueStore } from "./queue-store.ts";

export interface QueueGate {
  /** True when the message has a place, or belongs to no queue. False: it waits, and `resume` is called when it has one. */
  admit(message: Message): boolean;
  /** False for who waits, be it for a place or for its time. */
  hasPlace(message: Message): boolean;
  /** The message has ended; its place is free once the messages `callbackIds` have ended too. Also for those. */
  end(messageId: string, callbackIds?: readonly string[]): void;
  /** Gives the places that a change of the queue made free. */
  recheck(queueName: string): void;
}

interface Line {
  waiting: Message[];
  places: Set<string>;
}

/** `resume` gets each message that had to wait, once it has its place; it must not call back at once. */
export function createQueueGate(o: { queues: QueueStore; resume: (message: Message) => void }): QueueGate {
  const lines = new Map<string, Line>();
  const queueOf = new Map<string, string>();
  /** Callback message → the message whose place waits for it. */
  const sourceOf = new Map<string, string>();
  /** Message whose own attempts are over → callbacks that are not. */
  const openCallbacks = new Map<string, Set<string>>();

  function lineOf(queueName: string): Line {
    const line = lines.get(queueName) ?? { waiting: [], places: new Set() };
    lines.set(queueName, line);
    return line;
  }

  function isOpen(queueName: string, line: Line): boolean {
    // A dead letter may be retried into a queue that was deleted meanwhile.
    const { isPaused, parallelism } = o.queues.get(queueName) ?? { isPaused: false, parallelism: 1 };
    return !isPaused && line.places.size < parallelism;
  }

  function recheck(queueName: string): void {
    const line = lines.get(queueName);
    if (line === undefined) return;
    while (line.waiting.length > 0 && isOpen(queueName, line)) {
      const next = line.waiting.shift();
      if (next === undefined) break;
      line.places.add(next.messageId);
      o.resume(next);
    }
    if (line.waiting.length === 0 && line.places.size === 0) lines.delete(queueName);
  }

  function leave(messageId: string): void {
    const queueName = queueOf.get(messageId);
    if (queueName === undefined) return;
    queueOf.delete(messageId);
    const line = lineOf(queueName);
    line.places.delete(messageId);
    line.waiting = line.waiting.filter((message) => message.messageId !== messageId);
    recheck(queueName);
  }

  function endCallback(callbackId: string): void {
    const sourceId = sourceOf.get(callbackId);
    if (sourceId === undefined) return;
    sourceOf.delete(callbackId);
    const open = openCallbacks.get(sourceId);
    open?.delete(callbackId);
    if (open === undefined || open.size > 0) return;
    openCallbacks.delete(sourceId);
    leave(sourceId);
  }

  return {
    admit(message) {
      const { messageId, queueName } = message;
      if (queueName === undefined) return true;
      const line = lineOf(queueName);
      if (line.places.has(messageId)) return true;
      queueOf.set(messageId, queueName);
      if (line.waiting.length === 0 && isOpen(queueName, line)) line.places.add(messageId);
      else line.waiting.push(message);
      return line.places.has(messageId);
    },
    hasPlace: ({ messageId, queueName = "" }) => lines.get(queueName)?.places.has(messageId) ?? false,
    end(messageId, callbackIds = []) {
      endCallback(messageId);
      if (!queueOf.has(messageId) || callbackIds.length === 0) return leave(messageId);
      openCallbacks.set(messageId, new Set(callbackIds));
      for (const callbackId of callbackIds) sourceOf.set(callbackId, messageId);
    },
    recheck,
  };
}
