/**
 * The two atomic changes of an event list: opening a turn where none runs, and taking a list over from its writer.
 * They judge entries by their header alone (`<generation> <seq> <mark> <at> <json>`, see `event/log-record.ts`): the JSON may be sealed. What they wrote
 * before they recognise by its text, so they need it sealed alike.
 *
 * Numbers are printed with %.0f: %d is 32 bits wide in some builds of Lua.
 *
 * The last 64 entries decide: the valid tail is the last entry of the greatest generation, and what a superseded writer can leave
 * behind it is one flush, far less than that.
 */
import { defineScript } from "./script.ts";

const readTail = `
local generation, seq, mark, at, tail = 0, 0, 'e', 0, ''
local entries = redis.call('LRANGE', KEYS[1], -64, -1)
for _, entry in ipairs(entries) do
  local g, s, m, a = string.match(entry, '^(%d+) (%d+) (%S) (%d+) ')
  if g and tonumber(g) >= generation then
    generation, seq, mark, at, tail = tonumber(g), tonumber(s), m, tonumber(a), entry
  end
end
local now = tonumber(ARGV[1])
local nextGeneration = string.format('%.0f', math.max(now, generation + 1))
`;

/**
 * KEYS: event list. ARGV: now (unix ms), opening as JSON.
 * Answers {"opened", generation, length} or {"running", generation, seq, at}.
 */
export const openScript = defineScript(
  `#!lua flags=allow-key-locking
${readTail}
if mark == 'o' and string.sub(tail, -string.len(ARGV[2])) == ARGV[2] then
  return {'opened', string.format('%.0f', generation), redis.call('LLEN', KEYS[1])}
end
if mark ~= 'e' then
  return {'running', string.format('%.0f', generation), seq, string.format('%.0f', at)}
end
local length = redis.call('RPUSH', KEYS[1], nextGeneration .. ' 0 o ' .. ARGV[1] .. ' ' .. ARGV[2])
return {'opened', nextGeneration, length}
`,
  {
    sealed: [{ first: 1, key: 0, isAlike: true }],
    calls: (reply) => (Array.isArray(reply) && reply[0] === "running" ? 1 : 2),
  },
);

/**
 * KEYS: event list, message list. ARGV: now, record as JSON, its mark, expected generation, expected seq, expiry of messages (seconds), messages…
 * Answers {"superseded", generation, length, calls made} or {"moved"}. The record is published on the channel named like the list.
 */
export const supersedeScript = defineScript(
  `#!lua flags=allow-key-locking
${readTail}
local isRepeated = string.sub(tail, -string.len(ARGV[2])) == ARGV[2] and mark == ARGV[3] and seq == 0
if isRepeated then
  return {'superseded', string.format('%.0f', generation), redis.call('LLEN', KEYS[1]), 2}
end
if generation ~= tonumber(ARGV[4]) or seq ~= tonumber(ARGV[5]) then return {'moved'} end
local record = nextGeneration .. ' 0 ' .. ARGV[3] .. ' ' .. ARGV[1] .. ' ' .. ARGV[2]
local calls = 3
local length = redis.call('RPUSH', KEYS[1], record)
redis.call('PUBLISH', KEYS[1], cjson.encode({record}))
if #ARGV > 6 then
  redis.call('RPUSH', KEYS[2], unpack(ARGV, 7))
  redis.call('EXPIRE', KEYS[2], ARGV[6])
  calls = 5
end
return {'superseded', nextGeneration, length, calls}
`,
  {
    sealed: [
      { first: 1, key: 0, isAlike: true },
      { first: 6, last: Infinity, key: 1 },
    ],
    calls: (reply) => (Array.isArray(reply) && reply[0] === "superseded" ? Number(reply[3]) : 1),
  },
);
