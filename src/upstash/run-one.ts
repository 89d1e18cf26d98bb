import { invariant } from "../core/ports.ts";
import type { Batch, RedisClient } from "./batch.ts";

/** What a batch that is sent at once answers to the one thing in it that matters. 1 round trip. */
export async function runOne<T>(redis: RedisClient, enqueue: (batch: Batch) => Promise<T>): Promise<T> {
  let answer: Promise<T> | undefined;
  await redis.run((batch) => {
    answer = enqueue(batch);
  });
  invariant(answer !== undefined, "a batch settles what was added to it");
  return answer;
}
