/** The atomic changes of a journal that plain commands cannot make: both look at the journal's length first. */
import { defineScript } from "./script.ts";

/**
 * KEYS: the volume, the next one, the journal's own key. ARGV: entries that the volume has, snapshot, entries to keep, number of the next volume.
 * Answers how many calls it made when the next volume is there with this snapshot; -1 when it has another one, 0 when the journal has changed. Who writes into the old volume finds no list there from then on.
 */
export const compactScript = defineScript(
  `#!lua flags=allow-key-locking
local first = redis.call('LINDEX', KEYS[2], 0)
if first then return first == ARGV[2] and 1 or -1 end
if redis.call('LLEN', KEYS[1]) ~= tonumber(ARGV[1]) then return 0 end
redis.call('RENAME', KEYS[1], KEYS[2])
redis.call('LTRIM', KEYS[2], -tonumber(ARGV[3]), -1)
redis.call('LPUSH', KEYS[2], ARGV[2])
redis.call('SET', KEYS[3], ARGV[4])
return 6
`,
  { sealed: [{ first: 1, key: 2, isAlike: true }], calls: callsOfCompaction },
);

/**
 * KEYS: the runs that are due, the newest volume, the journal's own key where that is another one. ARGV: entries that the volume has, member of the run, expiry (seconds).
 * Answers how many calls it made when the run was retired, 0 when its journal has changed.
 */
export const retireScript = defineScript(
  `#!lua flags=allow-key-locking
if redis.call('LLEN', KEYS[2]) ~= tonumber(ARGV[1]) then return 0 end
for index = 2, #KEYS do redis.call('EXPIRE', KEYS[index], ARGV[3]) end
redis.call('ZREM', KEYS[1], ARGV[2])
return 1 + #KEYS
`,
  { calls: (reply) => (reply === 0 ? 1 : Number(reply)) },
);

/**
 * KEYS: the runs that are due, the newest volume. ARGV: entries that the volume has, member of the run, its place.
 * Answers 1 when the run has its place, 0 when its journal has changed.
 */
export const setAsideScript = defineScript(
  `#!lua flags=allow-key-locking
if redis.call('LLEN', KEYS[2]) ~= tonumber(ARGV[1]) then return 0 end
redis.call('ZADD', KEYS[1], 'XX', ARGV[3], ARGV[2])
return 1
`,
  { calls: (reply) => (reply === 0 ? 1 : 2) },
);

function callsOfCompaction(reply: unknown): number {
  if (reply === 0) return 2;
  return reply === -1 ? 1 : Number(reply);
}
