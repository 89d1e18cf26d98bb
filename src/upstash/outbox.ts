/**
 * Messages that QStash could not take, until it can.
 *
 * Runs and turns need none of this: the sweep finds those whose message is lost. It is for messages that stand for themselves: requests that QStash makes for a run,
 * calls of tools, alerts.
 *
 * O1 A message has an id, and is kept once however often it is given.
 * O2 It leaves the outbox after QStash has taken it. If we die between the two it is sent again, and QStash knows the id.
 * O3 The outbox is bounded in messages and in bytes; what it does not take fails as it would without it.
 * O4 A message that cannot be opened stays, for its key may come back, and goes behind the others: it holds up none of them. Nor does one that QStash refuses.
 */
import { asAppError, isOutage, type AppError } from "../core/errors.ts";
import { limits } from "../core/limits.ts";
import type { Clock, Log } from "../core/ports.ts";
import type { Batch, RedisClient } from "./batch.ts";
import { outboxKey, outboxOrderKey } from "./keys.ts";
import type { OutgoingMessage, Qstash } from "./qstash.ts";
import { readInteger, readText, readTexts } from "./reply.ts";
import { runOne } from "./run-one.ts";
import { defineScript } from "./script.ts";

/** KEYS: messages, their order. ARGV: id, message, now, how many there may be. Answers -1 when it is full, else the number of calls made. */
const keepScript = defineScript(
  `#!lua flags=allow-key-locking
if redis.call('HEXISTS', KEYS[1], ARGV[1]) == 1 then return 1 end
if redis.call('HLEN', KEYS[1]) >= tonumber(ARGV[4]) then return -1 end
redis.call('HSET', KEYS[1], ARGV[1], ARGV[2])
redis.call('ZADD', KEYS[2], ARGV[3], ARGV[1])
return 4
`,
  { calls: (reply) => (reply === -1 ? 2 : Number(reply)), sealed: [{ first: 1, key: 0, field: 0 }] },
);

/** A message that can be told from every other. */
export type NamedMessage = OutgoingMessage & { readonly deduplicationId: string };

export interface OutboxReport {
  readonly sent: number;
  /** Those that QStash refused for good. */
  readonly dropped: number;
  /** Whether QStash could not take one; the next round goes on. */
  readonly isBlocked: boolean;
}

export interface Outbox {
  /** False when there is no room. 1 round trip. */
  keep(message: NamedMessage): Promise<boolean>;
  /**
   * Sends what is kept, the oldest first, in one request. 1 billed command when there is nothing, else 4, and 1 message for each. Where something cannot be
   * opened, 1 more for each that is looked at, and 1 to put those behind the others.
   * @param ids what `keptPart` has answered, where that was asked already: 1 command and round trip less.
   */
  drain(qstash: Pick<Qstash, "publishAll">, ids?: readonly string[]): Promise<OutboxReport>;
}

export function upstashOutbox(redis: RedisClient, { clock, log }: { clock: Clock; log: Log }): Outbox {
  async function kept(ids: readonly string[]): Promise<readonly (string | typeof unreadable | undefined)[]> {
    try {
      return await redis.command(["HMGET", outboxKey, ...ids], (reply) => (reply as unknown[]).map(readText));
    } catch (thrown) {
      if (asAppError(thrown).code !== "sealed_unreadable") throw thrown;
      return keptOneByOne(ids);
    }
  }

  /** Each by itself: one that cannot be opened says nothing of the others. */
  const keptOneByOne = (ids: readonly string[]): Promise<(string | typeof unreadable | undefined)[]> =>
    runOne(redis, (batch) => Promise.all(ids.map((id) => orUnreadable(batch.add(["HGET", outboxKey, id], readText)))));

  async function putBehind(ids: readonly string[]): Promise<void> {
    const now = clock.now();
    await redis.command(["ZADD", outboxOrderKey, "XX", ...ids.flatMap((id) => [now, id])], readInteger);
  }

  async function forget(ids: readonly string[]): Promise<void> {
    await redis.atomic((batch) => {
      void batch.add(["ZREM", outboxOrderKey, ...ids], readInteger);
      void batch.add(["HDEL", outboxKey, ...ids], readInteger);
    });
  }

  return {
    async keep(message) {
      const text = JSON.stringify(message);
      if (text.length > limits.outboxMessageCharsMax) return false;
      const args = [message.deduplicationId, text, clock.now(), limits.outboxMessagesMax];
      const keys = [outboxKey, outboxOrderKey];
      return (await runOne(redis, (batch) => batch.script(keepScript, keys, args, readInteger))) !== -1;
    },

    async drain(qstash, given) {
      const ids = given ?? (await runOne(redis, keptPart));
      if (ids.length === 0) return { sent: 0, dropped: 0, isBlocked: false };
      const texts = await kept(ids);
      const behind = ids.filter((_id, index) => texts[index] === unreadable);
      if (behind.length > 0) {
        log.error("messages that were kept cannot be opened; they wait for their key", { messageIds: behind });
        await putBehind(behind);
      }
      const known = ids.flatMap((id, index) => {
        const text = texts[index];
        return text === unreadable ? [] : [{ id, message: readMessage(text) }];
      });
      const whole = known.flatMap(({ id, message }) => (message === undefined ? [] : [{ id, message }]));
      const failures = await qstash.publishAll(whole.map(({ message }) => message));
      const idsWhere = (isSo: (failure: AppError | undefined) => boolean): ReadonlySet<string> =>
        new Set(whole.filter((_kept, index) => isSo(failures[index])).map(({ id }) => id));
      const sent = idsWhere((failure) => failure === undefined);
      // A token that is refused will be right again one day; a message that is refused will not.
      const blocked = idsWhere((failure) => failure !== undefined && isOutage(failure));
      const gone = known.map(({ id }) => id).filter((id) => !blocked.has(id));
      const dropped = gone.filter((id) => !sent.has(id));
      if (dropped.length > 0)
        log.error("messages that were kept are lost: QStash refuses them", { messageIds: dropped });
      if (gone.length > 0) await forget(gone);
      return { sent: sent.size, dropped: dropped.length, isBlocked: blocked.size > 0 };
    },
  };
}

/** Ids of the oldest messages, as many as one round sends, as part of a larger batch. */
export function keptPart(batch: Batch): Promise<string[]> {
  return batch.add(["ZRANGE", outboxOrderKey, 0, limits.outboxDrainMax - 1], readTexts);
}

const unreadable = Symbol("unreadable");

async function orUnreadable<T>(value: Promise<T>): Promise<T | typeof unreadable> {
  try {
    return await value;
  } catch (thrown) {
    if (asAppError(thrown).code === "sealed_unreadable") return unreadable;
    throw thrown;
  }
}

function readMessage(text: string | undefined): NamedMessage | undefined {
  try {
    const message = JSON.parse(text ?? "null") as NamedMessage | null;
    return typeof message?.url === "string" && typeof message.deduplicationId === "string" ? message : undefined;
  } catch {
    return undefined;
  }
}
