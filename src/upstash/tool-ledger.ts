/**
 * The ledger in Redis: one string per key, `h <holder>` while the call is made, the answer as JSON from then on. Each change is one script, and sets value and expiry
 * by one command.
 */
import * as z from "zod/mini";
import { AppError } from "../core/errors.ts";
import { limits } from "../core/limits.ts";
import { parseJson } from "../core/json.ts";
import { toolFailureKinds, type ToolFailureCode } from "../tool/tool-failure.ts";
import type { ClaimAnswer, LedgerRef, ToolLedger } from "../tool/tool-ledger.ts";
import type { ToolResult } from "../tool/tool.ts";
import type { Reader, RedisArgument, RedisClient } from "./batch.ts";
import { toolLedgerKey } from "./keys.ts";
import { readNothing } from "./reply.ts";
import { runOne } from "./run-one.ts";
import { defineScript, type Script } from "./script.ts";

/** KEYS: entry. ARGV: holder, lease in ms. Answers "claimed", "claimed before", "held <ms left>" or the answer. */
const claimScript = defineScript(
  `#!lua flags=allow-key-locking
local found = redis.call('GET', KEYS[1])
if not found then
  redis.call('SET', KEYS[1], 'h ' .. ARGV[1], 'PX', ARGV[2])
  return 'claimed'
end
if string.sub(found, 1, 2) ~= 'h ' then return found end
if found == 'h ' .. ARGV[1] then return 'claimed before' end
return 'held ' .. redis.call('PTTL', KEYS[1])
`,
  {
    answersText: { key: 0 },
    calls: (reply) => (reply === "claimed" || String(reply).startsWith("held ") ? 2 : 1),
  },
);

/** KEYS: entry. ARGV: answer, its life in seconds. Answers the one that counts, and the number of calls made. */
const settleScript = defineScript(
  `#!lua flags=allow-key-locking
local found = redis.call('GET', KEYS[1])
if found and string.sub(found, 1, 2) ~= 'h ' then return {found, 1} end
redis.call('SET', KEYS[1], ARGV[1], 'EX', ARGV[2])
return {ARGV[1], 2}
`,
  {
    sealed: [{ first: 0, key: 0 }],
    answersText: { key: 0 },
    calls: (reply) => Number((reply as readonly unknown[])[1]),
  },
);

/** KEYS: entry. ARGV: holder. */
const releaseScript = defineScript(
  `#!lua flags=allow-key-locking
if redis.call('GET', KEYS[1]) ~= 'h ' .. ARGV[1] then return 0 end
return redis.call('DEL', KEYS[1])
`,
  { calls: (reply) => (reply === 0 ? 1 : 2) },
);

export function upstashToolLedger(redis: RedisClient): ToolLedger {
  function run<T>(script: Script, ref: LedgerRef, args: RedisArgument[], read: Reader<T>): Promise<T> {
    return runOne(redis, (batch) => script.evalsha(batch, [toolLedgerKey(ref.userId, ref.key)], args, read));
  }

  return {
    claim: (ref, holder, leaseMs) => run(claimScript, ref, [holder, leaseMs], readClaim),
    settle: (ref, result) =>
      run(settleScript, ref, [JSON.stringify(result), limits.toolLedgerTtlSeconds], (reply) =>
        readResult((reply as readonly unknown[])[0]),
      ),
    release: (ref, holder) => run(releaseScript, ref, [holder], readNothing),
  };
}

function readClaim(reply: unknown): ClaimAnswer {
  if (reply === "claimed" || reply === "claimed before") return { kind: "claimed" };
  const held = /^held (-?\d+)$/.exec(String(reply));
  return held === null
    ? { kind: "answered", result: readResult(reply) }
    : { kind: "held", forMs: Math.max(1, Number(held[1])) };
}

const isFailureCode = (value: string): value is ToolFailureCode => value in toolFailureKinds;

const StoredResult = z.union([
  z.object({ kind: z.literal("ok"), output: z.unknown() }),
  z.object({ kind: z.literal("failed"), code: z.string().check(z.refine(isFailureCode)), errorText: z.string() }),
]);

/** The call must not be made again because its answer cannot be read: @throws internal (park). */
function readResult(reply: unknown): ToolResult {
  const parsed = z.safeParse(StoredResult, parseJson(String(reply)));
  if (!parsed.success) throw new AppError("internal", "The ledger holds something that is no answer of a tool");
  return parsed.data as ToolResult;
}
