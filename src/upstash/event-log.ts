import { limits } from "../core/limits.ts";
import { invariant, type Clock } from "../core/ports.ts";
import type {
  Closing,
  ConversationRef,
  EventLog,
  FlushAnswer,
  OpenAnswer,
  SupersedeAnswer,
} from "../event/event-log.ts";
import { writerLimits } from "../event/log-writer.ts";
import { markOf, validRecords } from "../event/log-record.ts";
import type { Batch, RedisClient } from "./batch.ts";
import { openScript, supersedeScript } from "./event-scripts.ts";
import { turnMember } from "./due-registry.ts";
import { conversationIndexKey, dueTurnsKey, eventsKey, messagesKey } from "./keys.ts";
import { readableOrNone, readInteger, readNothing, readTexts } from "./reply.ts";
import { runOne } from "./run-one.ts";
import { addBooking } from "./token-budget.ts";

/** When the sweep looks at a turn: long after its producer would have given a sign of life. */
const turnDueMs = writerLimits.leaseMs + limits.sweepSlackMs;
/** An expiry is renewed at most once in this time: each renewal is a billed command. */
const renewalMs = 60 * 60 * 1000;
const tailLength = 64;

export function upstashEventLog(redis: RedisClient, clock: Clock): EventLog {
  async function read(ref: ConversationRef, start: number): Promise<string[]> {
    return redis.command(["LRANGE", eventsKey(ref.userId, ref.conversationId), start, -1], readTexts);
  }

  /** The list is longer or shorter than it would be had nobody else written: whose is it now? */
  async function judge(ref: ConversationRef, records: readonly string[], listLength: number): Promise<FlushAnswer> {
    const ours = Number(records[0]?.split(" ", 1)[0]);
    const last = validRecords(await read(ref, -tailLength)).at(-1);
    return last?.id.generation === ours ? { kind: "flushed", listLength } : { kind: "superseded" };
  }

  return {
    async open(ref, opening) {
      const now = clock.now();
      return runOne(redis, (batch) => {
        void batch.add(["ZADD", dueTurnsKey, now + turnDueMs, turnMember(ref)], readInteger);
        return openScript.evalsha(
          batch,
          [eventsKey(ref.userId, ref.conversationId)],
          [now, JSON.stringify(opening)],
          readOpenAnswer,
        );
      });
    },

    async supersede(ref, expected, record, messages = []) {
      return runOne(redis, (batch) =>
        supersedeScript.evalsha(
          batch,
          [eventsKey(ref.userId, ref.conversationId), messagesKey(ref.userId, ref.conversationId)],
          [
            clock.now(),
            JSON.stringify(record),
            markOf(record),
            expected.generation,
            expected.seq,
            limits.conversationTtlSeconds,
            ...messages,
          ],
          readSupersedeAnswer,
        ),
      );
    },

    async flush(ref, records, published, expectedLength, closing) {
      const key = eventsKey(ref.userId, ref.conversationId);
      let length: Promise<number> | undefined;
      await redis.atomic((batch) => {
        if (records.length > 0) length = batch.add(["RPUSHX", key, ...records], readInteger);
        void batch.add(["PUBLISH", key, JSON.stringify(published)], readInteger);
        if (closing !== undefined) addClosing(batch, ref, expectedLength, closing, clock.now());
      });
      const listLength = (await length) ?? expectedLength;
      if (listLength === 0) {
        if (closing?.isFirst === true) await forget(redis, ref);
        return { kind: "superseded" };
      }
      return listLength === expectedLength ? { kind: "flushed", listLength } : judge(ref, records, listLength);
    },

    async read(ref) {
      return validRecords(await read(ref, 0));
    },

    async readMany(refs) {
      const lists: Promise<string[]>[] = [];
      await redis.run((batch) => {
        for (const { userId, conversationId } of refs) {
          lists.push(batch.add(["LRANGE", eventsKey(userId, conversationId), 0, -1], readTexts));
        }
      });
      const readable = await Promise.all(lists.map(readableOrNone));
      return readable.map((entries) => entries && validRecords(entries));
    },
  };
}

/**
 * At most two commands beside the memory's own, so that a turn stays within its price: expiries when they are due, otherwise the trims. The event list's
 * expiry is the sweep's, see `DueTurns.retire`.
 * The index's expiry is renewed by a conversation's second turn, by a turn after a day's pause, and whenever the list is read.
 */
function addClosing(batch: Batch, ref: ConversationRef, listLength: number, closing: Closing, nowMs: number): void {
  const events = eventsKey(ref.userId, ref.conversationId);
  const messages = messagesKey(ref.userId, ref.conversationId);
  const index = conversationIndexKey(ref.userId);
  const title = closing.title === undefined ? [] : [`${ref.conversationId}:title`, closing.title];
  const { tokens } = closing;
  if (tokens !== undefined) {
    const { spent, begunDay } = tokens;
    void addBooking(batch, { userId: ref.userId, tokens: spent, nowMs, begunDay });
  }
  const push = closing.isFirst ? "RPUSH" : "RPUSHX";
  if (closing.messages.length > 0) void batch.add([push, messages, ...closing.messages], readInteger);
  void batch.add(["HSET", index, `${ref.conversationId}:at`, nowMs, ...title], readInteger);
  const isRenewalDue = closing.previousAt === undefined || nowMs - closing.previousAt > renewalMs;
  if (isRenewalDue) {
    void batch.add(["EXPIRE", messages, limits.conversationTtlSeconds], readInteger);
    if (closing.isEventListNew && !closing.isFirst)
      void batch.add(["EXPIRE", index, limits.conversationTtlSeconds], readInteger);
    return;
  }
  if (closing.messageCount === 2) void batch.add(["EXPIRE", index, limits.conversationTtlSeconds], readInteger);
  if (closing.messageCount + closing.messages.length > limits.conversationMessagesMax) {
    void batch.add(["LTRIM", messages, -limits.conversationMessagesMax, -1], readNothing);
  }
  if (listLength > limits.eventListMax) void batch.add(["LTRIM", events, -limits.eventListMax, -1], readNothing);
}

/** The conversation was removed while its first turn ran: what the last flush brought back goes again. */
async function forget(redis: RedisClient, ref: ConversationRef): Promise<void> {
  await redis.atomic((batch) => {
    void batch.add(["DEL", messagesKey(ref.userId, ref.conversationId)], readInteger);
    void batch.add(
      ["HDEL", conversationIndexKey(ref.userId), `${ref.conversationId}:at`, `${ref.conversationId}:title`],
      readInteger,
    );
  });
}

function readOpenAnswer(reply: unknown): OpenAnswer {
  invariant(Array.isArray(reply), "the open script answers a list");
  const [kind, generation, third, at] = reply;
  if (kind === "running") {
    return { kind, last: { generation: Number(generation), seq: Number(third) }, lastAt: Number(at) };
  }
  invariant(kind === "opened", "the open script answers opened or running");
  return { kind, tenure: { generation: Number(generation), listLength: Number(third) } };
}

function readSupersedeAnswer(reply: unknown): SupersedeAnswer {
  invariant(Array.isArray(reply), "the supersede script answers a list");
  const [kind, generation, listLength] = reply;
  if (kind === "moved") return { kind };
  invariant(kind === "superseded", "the supersede script answers superseded or moved");
  return { kind, tenure: { generation: Number(generation), listLength: Number(listLength) } };
}
