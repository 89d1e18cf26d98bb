/**
 * Queued calls in Redis: one hash of what scripts have to understand, and one of what tools said, which is made with the first end. Every change is one script, which
 * leaves what has completed alone.
 */
import * as z from "zod/mini";
import { AppError } from "../core/errors.ts";
import { limits } from "../core/limits.ts";
import type { BeginAnswer, Execution, ExecutionRef, Executions, QueuedCall } from "../tool/execution.ts";
import type { RedisArgument, RedisClient } from "./batch.ts";
import { deadExecutionsKey, executionKey, executionTextsKey } from "./keys.ts";
import { readInteger, readNothing, readPairs } from "./reply.ts";
import { runOne } from "./run-one.ts";
import { defineScript } from "./script.ts";

/** KEYS: execution. ARGV: life in seconds, digest, field, value, … Answers {digest, status, calls made}. Its death may have come before it. */
const openScript = defineScript(
  `#!lua flags=allow-key-locking
local known = redis.call('HMGET', KEYS[1], 'digest', 'status')
if known[1] then return {known[1], known[2], 1} end
local status = known[2] or 'queued'
redis.call('HSET', KEYS[1], 'status', status, unpack(ARGV, 3))
redis.call('EXPIRE', KEYS[1], ARGV[1])
return {ARGV[2], status, 3}
`,
  { calls: (reply) => (Array.isArray(reply) ? Number(reply[2]) : 1) },
);

/**
 * KEYS: execution. ARGV: life in seconds, digest, name of the attempt, now, message id, field, value, … Answers "begun <calls made>", "foreign" or "completed".
 * A delivery that comes before the record makes it. What is dead is not called running by a late attempt of the message that the queue has given up.
 */
const beginScript = defineScript(
  `#!lua flags=allow-key-locking
local known = redis.call('HMGET', KEYS[1], 'digest', 'status', 'attempt', 'messageId')
if known[1] and known[1] ~= ARGV[2] then return 'foreign' end
if known[2] == 'completed' then return 'completed' end
local calls = 2
local status = known[2] == 'dead' and known[4] == ARGV[5] and 'dead' or 'running'
local now = {'status', status, 'attempt', ARGV[3], 'startedAtMs', ARGV[4], 'messageId', ARGV[5]}
if known[1] then
  redis.call('HSET', KEYS[1], unpack(now))
else
  for index = 6, #ARGV do now[#now + 1] = ARGV[index] end
  redis.call('HSET', KEYS[1], unpack(now))
  redis.call('EXPIRE', KEYS[1], ARGV[1])
  calls = 3
end
if known[3] ~= ARGV[3] then
  redis.call('HINCRBY', KEYS[1], 'attempts', 1)
  calls = calls + 1
end
return 'begun ' .. calls
`,
  { calls: (reply) => Number(String(reply).split(" ")[1] ?? 1) },
);

/** KEYS: execution, its texts. ARGV: field, text, the new status, now, life in seconds. What the queue has given up comes back by a success or a new attempt only. */
const endScript = defineScript(
  `#!lua flags=allow-key-locking
local status = redis.call('HGET', KEYS[1], 'status')
if not status or status == 'completed' then return 0 end
if status == 'dead' and ARGV[3] ~= 'completed' then return 0 end
redis.call('HSET', KEYS[1], 'status', ARGV[3], 'endedAtMs', ARGV[4])
redis.call('HSET', KEYS[2], ARGV[1], ARGV[2])
redis.call('EXPIRE', KEYS[2], ARGV[5])
return 1
`,
  { sealed: [{ first: 1, key: 1, field: 0 }], calls: (reply) => (reply === 0 ? 1 : 4) },
);

/**
 * KEYS: execution, its texts, the user's dead ones. ARGV: field, death as JSON, now, execution id, how many dead ones are kept, their life in seconds, message id,
 * seconds for which a death is kept of which no record is there yet. Answers 1 when it is dead, -1 when nothing is known of it.
 */
const buryScript = defineScript(
  `#!lua flags=allow-key-locking
local known = redis.call('HMGET', KEYS[1], 'digest', 'status')
if known[2] == 'completed' then return 0 end
redis.call('HSET', KEYS[1], 'status', 'dead', 'endedAtMs', ARGV[3], 'messageId', ARGV[7])
if not known[1] then
  redis.call('EXPIRE', KEYS[1], ARGV[8])
  return -1
end
redis.call('HSET', KEYS[2], ARGV[1], ARGV[2])
redis.call('EXPIRE', KEYS[2], ARGV[6])
redis.call('ZADD', KEYS[3], ARGV[3], ARGV[4])
redis.call('ZREMRANGEBYRANK', KEYS[3], 0, -1 - ARGV[5])
redis.call('EXPIRE', KEYS[3], ARGV[6])
return 1
`,
  { sealed: [{ first: 1, key: 1, field: 0 }], calls: (reply) => (reply === 0 ? 1 : reply === 1 ? 7 : 3) },
);

/** A record that is later than the death of its message is later by less. */
const unknownDeathSeconds = 600;

export function upstashExecutions(redis: RedisClient, clock: { now(): number }): Executions {
  async function read(ref: ExecutionRef): Promise<Execution | undefined> {
    let texts: Promise<ReadonlyMap<string, string>> | undefined;
    const known = await runOne(redis, (batch) => {
      texts = batch.add(["HGETALL", textsKeyOf(ref)], readPairs);
      return batch.add(["HGETALL", keyOf(ref)], readPairs);
    });
    return readExecution(new Map([...known, ...((await texts) ?? [])]));
  }

  return {
    open: (ref, call) =>
      runOne(redis, (batch) =>
        openScript.evalsha(
          batch,
          [keyOf(ref)],
          [limits.executionTtlSeconds, call.digest, ...fieldsOf(call)],
          readKnown,
        ),
      ),
    begin: async (ref, call, { messageId, retried }) => {
      const args = [limits.executionTtlSeconds, call.digest, `${messageId} ${retried}`, clock.now(), messageId];
      const kind = await runOne(redis, (batch) =>
        beginScript.evalsha(batch, [keyOf(ref)], [...args, ...fieldsOf(call)], readBegun),
      );
      return kind === "completed" ? { kind, output: (await read(ref))?.output } : { kind };
    },
    end: (ref, end) => {
      const text =
        end.kind === "completed"
          ? ["output", JSON.stringify(end.output ?? null)]
          : ["failure", JSON.stringify({ code: end.failure.code, errorText: end.failure.errorText })];
      const args = [...text, end.kind, clock.now(), limits.executionTtlSeconds];
      return runOne(redis, (batch) => endScript.evalsha(batch, [keyOf(ref), textsKeyOf(ref)], args, readNothing));
    },
    bury: async (ref, death) => {
      const keys = [keyOf(ref), textsKeyOf(ref), deadExecutionsKey(ref.userId)];
      const { deadExecutionsMax, executionTtlSeconds } = limits;
      const args = [
        "death",
        JSON.stringify(death),
        death.atMs,
        ref.executionId,
        deadExecutionsMax,
        executionTtlSeconds,
        death.messageId,
        unknownDeathSeconds,
      ];
      return (await runOne(redis, (batch) => buryScript.evalsha(batch, keys, args, readInteger))) === 1;
    },
    read,
  };
}

function keyOf({ userId, executionId }: ExecutionRef): string {
  return executionKey(userId, executionId);
}

function textsKeyOf({ userId, executionId }: ExecutionRef): string {
  return executionTextsKey(userId, executionId);
}

function fieldsOf({ tool, digest, queuedAtMs, notBeforeMs, retries }: QueuedCall): RedisArgument[] {
  const fields = { tool, digest, queuedAtMs, notBeforeMs, retries };
  return Object.entries(fields).flat();
}

const Status = z.enum(["queued", "running", "retrying", "completed", "failed", "dead"]);
const count = z.pipe(z.string(), z.transform(Number));
const json = z.pipe(
  z.string(),
  z.transform((text: string): unknown => JSON.parse(text)),
);

const Stored = z.object({
  tool: z.string(),
  digest: z.string(),
  status: Status,
  queuedAtMs: count,
  notBeforeMs: count,
  retries: count,
  attempts: z.optional(count),
  messageId: z.optional(z.string()),
  startedAtMs: z.optional(count),
  endedAtMs: z.optional(count),
  output: z.optional(json),
  failure: z.optional(json),
  death: z.optional(json),
});

function readExecution(pairs: ReadonlyMap<string, string>): Execution | undefined {
  // Without a digest it is a death that came before the record.
  if (!pairs.has("digest")) return undefined;
  const {
    attempts = 0,
    messageId,
    startedAtMs,
    endedAtMs,
    output,
    failure,
    death,
    ...known
  } = z.parse(Stored, Object.fromEntries(pairs));
  return {
    ...known,
    attempts,
    messageId,
    startedAtMs,
    endedAtMs,
    output,
    failure: failure as Execution["failure"],
    death: death as Execution["death"],
  };
}

function readKnown(reply: unknown): Pick<Execution, "digest" | "status"> {
  const [digest, status] = Array.isArray(reply) ? (reply as unknown[]) : [];
  if (typeof digest === "string") return { digest, status: z.parse(Status, status) };
  throw new AppError("internal", "The script that opens executions answered something unexpected");
}

function readBegun(reply: unknown): BeginAnswer["kind"] {
  const [kind] = String(reply).split(" ");
  if (kind === "begun" || kind === "foreign" || kind === "completed") return kind;
  throw new AppError("internal", "The script that begins attempts answered something unexpected");
}
