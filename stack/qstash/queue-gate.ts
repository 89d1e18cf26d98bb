/**
 * Who of a queue is under way. Source: protocol document, B.8.
 *
 * Invariants:
 * 1. A message has its place from its first attempt until it and its callbacks have ended, the pauses before retries included.
 * 2. A queue gives at most `parallelism` places, in the order in which messages became due (a delayed one stands in nobody's way).
 * 3. A paused queue gives no places; who has one keeps it and goes on to its end.
 * 4. Places are records and outlive the process. Who waits for one is told again by being tried again.
 */
import type { Collection } from "../storage/collection.ts";
import type { Message } from "./message.ts";
import type { QueueStore } from "./queue-store.ts";
import { createWaitingLine, type WaitingLine } from "./waiting-line.ts";

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

export interface QueuePlace {
  messageId: string;
  queueName: string;
  /** Its callbacks that have not ended; absent while its own attempts are not over. */
  openCallbackIds?: readonly string[];
}

interface Line {
  waiting: WaitingLine<Message>;
  places: Set<string>;
}

/**
 * `resume` gets each message that had to wait, once it has its place; it must not call back at once. `isAlive` tells which
 * messages there are: a place is given up when the process ended between the end of a message and the end of its place.
 */
export function createQueueGate(o: {
  queues: QueueStore;
  places: Collection<QueuePlace>;
  isAlive: (messageId: string) => boolean;
  resume: (message: Message) => void;
}): QueueGate {
  const lines = new Map<string, Line>();
  /** Message that waits → its queue. */
  const waitingIn = new Map<string, string>();
  /** Callback message → the message whose place waits for it. */
  const sourceOf = new Map<string, string>();
  for (const place of o.places.values()) restore(place);

  function restore(place: QueuePlace): void {
    const { messageId, openCallbackIds } = place;
    const callbackIds = openCallbackIds?.filter(o.isAlive);
    if (callbackIds === undefined ? !o.isAlive(messageId) : callbackIds.length === 0) {
      o.places.remove(messageId);
      return;
    }
    lineOf(place.queueName).places.add(messageId);
    if (callbackIds !== undefined) awaitCallbacks(place, callbackIds);
  }

  function lineOf(queueName: string): Line {
    const line = lines.get(queueName) ?? { waiting: createWaitingLine(), places: new Set() };
    lines.set(queueName, line);
    return line;
  }

  function isOpen(queueName: string, line: Line): boolean {
    // A dead letter may be retried into a queue that was deleted meanwhile.
    const { isPaused, parallelism } = o.queues.get(queueName) ?? { isPaused: false, parallelism: 1 };
    return !isPaused && line.places.size < parallelism;
  }

  function givePlace(line: Line, messageId: string, queueName: string): void {
    line.places.add(messageId);
    o.places.put(messageId, { messageId, queueName });
  }

  function recheck(queueName: string): void {
    const line = lines.get(queueName);
    if (line === undefined) return;
    while (line.waiting.size() > 0 && isOpen(queueName, line)) {
      const next = line.waiting.shift();
      if (next === undefined) break;
      waitingIn.delete(next.messageId);
      givePlace(line, next.messageId, queueName);
      o.resume(next);
    }
    if (line.waiting.size() === 0 && line.places.size === 0) lines.delete(queueName);
  }

  function leave(messageId: string): void {
    const queueName = o.places.get(messageId)?.queueName ?? waitingIn.get(messageId);
    if (queueName === undefined) return;
    o.places.remove(messageId);
    waitingIn.delete(messageId);
    const line = lineOf(queueName);
    line.places.delete(messageId);
    line.waiting.remove(messageId);
    recheck(queueName);
  }

  function awaitCallbacks(place: QueuePlace, callbackIds: readonly string[]): void {
    o.places.put(place.messageId, { ...place, openCallbackIds: callbackIds });
    for (const callbackId of callbackIds) sourceOf.set(callbackId, place.messageId);
  }

  function endCallback(callbackId: string): void {
    const place = o.places.get(sourceOf.get(callbackId) ?? "");
    sourceOf.delete(callbackId);
    if (place === undefined) return;
    const others = (place.openCallbackIds ?? []).filter((other) => other !== callbackId);
    if (others.length === 0) leave(place.messageId);
    else o.places.put(place.messageId, { ...place, openCallbackIds: others });
  }

  return {
    admit(message) {
      const { messageId, queueName } = message;
      if (queueName === undefined || o.places.get(messageId) !== undefined) return true;
      const line = lineOf(queueName);
      if (line.waiting.size() === 0 && isOpen(queueName, line)) {
        givePlace(line, messageId, queueName);
        return true;
      }
      waitingIn.set(messageId, queueName);
      line.waiting.push(messageId, message);
      return false;
    },
    hasPlace: ({ messageId }) => o.places.get(messageId) !== undefined,
    end(messageId, callbackIds = []) {
      endCallback(messageId);
      const place = o.places.get(messageId);
      if (place === undefined || callbackIds.length === 0) return leave(messageId);
      awaitCallbacks(place, callbackIds);
    },
    recheck,
  };
}
