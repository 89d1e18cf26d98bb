import type { Behaviour } from "./behaviour.ts";

/** How a call ended, as the model server saw it. */
export type CallOutcome =
  /** The answer is still being written. */
  | "running"
  /** The whole answer was written. */
  | "completed"
  /** The caller went away first. */
  | "aborted"
  /** We destroyed the socket, by order of a behaviour or a fault. */
  | "cut"
  /** An error status was answered. */
  | "refused";

/** One request that the model server received. */
export interface ReceivedCall {
  /** Counts from 1. */
  number: number;
  atMs: number;
  method: string;
  path: string;
  /** The parsed JSON body, or the text where it is not JSON. */
  body: unknown;
  status: number;
  /** Lines of the answer written so far; 1 for an answer that is not streamed. */
  chunksSent: number;
  outcome: CallOutcome;
}

/** The test side of the offline model. */
export interface ModelControl {
  /** Queues behaviours for the next calls, in this order. */
  script(...behaviours: Behaviour[]): void;
  /** Behaviours that no call has taken yet. */
  queued(): Behaviour[];
  /** Received requests, oldest first; the last 500 are kept. */
  requests(): ReceivedCall[];
  /** Forgets the queue and the log. */
  reset(): void;
}

const LOG_LENGTH_MAX = 500;

/** A queue and a log behind `ModelControl`, with the two ends that the front itself uses. */
export function createModelControl(): ModelControl & {
  take(bodyText: string): Behaviour | undefined;
  record(call: Omit<ReceivedCall, "number">): ReceivedCall;
} {
  let queue: Behaviour[] = [];
  let log: ReceivedCall[] = [];
  let received = 0;
  return {
    script: (...behaviours) => void queue.push(...behaviours.map((b) => ({ ...b }))),
    queued: () => queue.map((b) => ({ ...b })),
    requests: () => log.map((call) => ({ ...call })),
    reset() {
      queue = [];
      log = [];
    },
    take(bodyText) {
      const found = queue.find((b) => b.match === undefined || bodyText.includes(b.match));
      if (found === undefined) return undefined;
      const left = (found.times ?? 1) - 1;
      if (left <= 0) queue = queue.filter((b) => b !== found);
      else found.times = left;
      return found;
    },
    record(call) {
      received += 1;
      const entry: ReceivedCall = { number: received, ...call };
      log.push(entry);
      if (log.length > LOG_LENGTH_MAX) log.shift();
      return entry;
    },
  };
}
