import type { Collection } from "../storage/collection.ts";
import { ApiError } from "./api-error.ts";
import { queueCountMax, queueParallelismMax } from "./limits.ts";

/** A queue without its messages: those are in the message store, under its name. Times are unix ms. */
export interface Queue {
  name: string;
  createdAtMs: number;
  updatedAtMs: number;
  /** Messages under way at once, 1 or more. */
  parallelism: number;
  isPaused: boolean;
}

export interface QueueStore {
  /** Makes the queue when it is missing (parallelism 1, running), then applies `change`. @throws ApiError 400 or 412 */
  upsert(name: string, change?: Partial<Pick<Queue, "parallelism" | "isPaused">>): Queue;
  get(name: string): Queue | undefined;
  remove(name: string): void;
  list(): Queue[];
}

export function createQueueStore(queues: Collection<Queue>, now: () => number): QueueStore {
  function create(name: string): Queue {
    if (!/^[A-Za-z0-9_.-]{1,256}$/.test(name)) throw new ApiError(400, `invalid queue name ${JSON.stringify(name)}`);
    if (queues.size() >= queueCountMax) throw new ApiError(412, `quota maxQueues exceeded. Limit: ${queueCountMax}`);
    return { name, createdAtMs: now(), updatedAtMs: now(), parallelism: 1, isPaused: false };
  }

  return {
    upsert(name, change) {
      if (change?.parallelism !== undefined) assertParallelism(change.parallelism);
      const known = queues.get(name);
      if (known !== undefined && change === undefined) return known;
      const queue = known ?? create(name);
      if (change !== undefined) Object.assign(queue, change, { updatedAtMs: now() });
      queues.put(name, queue);
      return queue;
    },
    get: queues.get,
    remove: (name) => void queues.remove(name),
    list: queues.values,
  };
}

function assertParallelism(parallelism: number): void {
  if (!Number.isSafeInteger(parallelism) || parallelism < 1) throw new ApiError(400, "invalid parallelism");
  if (parallelism <= queueParallelismMax) return;
  throw new ApiError(412, `quota maxQueueParallelism exceeded. Limit: ${queueParallelismMax}, wanted: ${parallelism}`);
}
