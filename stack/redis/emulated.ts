/**
 * Commands of Upstash that Valkey 9 does not have, each as one Lua script over commands that it has: so they are atomic, and work in a
 * pipeline and a transaction like any other.
 *
 *   XDELEX, XACKDEL                  Redis 8.2
 *   BITOP DIFF, DIFF1, ANDOR, ONE    Redis 8.2
 *   XREADGROUP … NOACK               leaves no consumer behind that was not there before
 *
 * Source of the semantics: https://redis.io/docs/latest/commands/ for the first two; for the last the SDK's own test of XREADGROUP.
 */
import { nameOf, upper } from "./refusals.ts";
import type { Arg, Command } from "./resp.ts";

/** The command to run in place of `command`, or undefined if Valkey knows it. */
export function emulate(command: Command): Command | undefined {
  switch (nameOf(command)) {
    case "XDELEX":
      return deleteEntries(command, 2);
    case "XACKDEL":
      return deleteEntries(command, 3);
    case "BITOP":
      return combineBits(command);
    case "XREADGROUP":
      return readWithoutConsumer(command);
    default:
      return undefined;
  }
}

/** Names that only this file knows: Valkey's own command table lacks them. */
export function isEmulated(name: string): boolean {
  return name === "XDELEX" || name === "XACKDEL";
}

function script(text: string, keys: readonly Arg[], args: readonly Arg[]): Command {
  return ["EVAL", text, String(keys.length), ...keys, ...args];
}

function failure(text: string): Command {
  return script("return redis.error_reply(ARGV[1])", [], [text]);
}

/** `XDELEX key [strategy] IDS count id…`; XACKDEL has the group before the strategy, which begins at `optionsAt`. */
function deleteEntries(command: Command, optionsAt: number): Command {
  const [name, key] = command;
  const group = optionsAt === 3 ? command[2] : "";
  const words = command.slice(optionsAt);
  const strategy = upper(words[0]) === "IDS" ? "KEEPREF" : upper(words.shift());
  const [ids, count, ...entries] = words;
  if (key === undefined || group === undefined || count === undefined || entries.length === 0) {
    return failure(`ERR wrong number of arguments for '${String(name).toLowerCase()}' command`);
  }
  if (!["KEEPREF", "DELREF", "ACKED"].includes(strategy) || upper(ids) !== "IDS") return failure("ERR syntax error");
  if (!/^[1-9]\d*$/.test(String(count))) return failure("ERR Number of IDs must be a positive integer");
  if (Number(count) !== entries.length) {
    return failure("ERR The `numids` parameter must match the number of arguments");
  }
  const whole = entries.map(String).map((id) => (id.includes("-") ? id : `${id}-0`));
  return script(deleteEntriesScript, [key], [strategy, group, ...whole]);
}

/** KEYS: the stream. ARGV: strategy, group or nothing, ids. An answer for each id: -1 not there, 1 deleted, 2 kept because still referenced. */
const deleteEntriesScript = `
local key, strategy, group = KEYS[1], ARGV[1], ARGV[2]
local groups = {}
if redis.call('EXISTS', key) == 1 then
  for _, fields in ipairs(redis.call('XINFO', 'GROUPS', key)) do
    local facts = {}
    for at = 1, #fields, 2 do facts[fields[at]] = fields[at + 1] end
    groups[#groups + 1] = facts
  end
end

-- Numbers in a Lua of doubles are exact to 2^53 only; as texts without leading zeros they compare by length first.
local function isBefore(a, b)
  local ams, aseq = string.match(a, '^0*(%d*)-0*(%d*)$')
  local bms, bseq = string.match(b, '^0*(%d*)-0*(%d*)$')
  if ams == bms then ams, bms = aseq, bseq end
  if #ams ~= #bms then return #ams < #bms end
  return ams < bms
end

local function isReferenced(id)
  for _, facts in ipairs(groups) do
    if isBefore(facts['last-delivered-id'], id) then return true end
    if #redis.call('XPENDING', key, facts['name'], id, id, 1) > 0 then return true end
  end
  return false
end

local answers = {}
for at = 3, #ARGV do
  local id = ARGV[at]
  local isThere
  if group == '' then isThere = #redis.call('XRANGE', key, id, id) > 0
  else isThere = redis.call('XACK', key, group, id) == 1 end
  if not isThere then answers[#answers + 1] = -1
  elseif strategy == 'ACKED' and isReferenced(id) then answers[#answers + 1] = 2
  else
    if strategy == 'DELREF' then
      for _, facts in ipairs(groups) do redis.call('XACK', key, facts['name'], id) end
    end
    redis.call('XDEL', key, id)
    answers[#answers + 1] = 1
  end
end
return answers`;

const newBitOperations = new Set(["DIFF", "DIFF1", "ANDOR", "ONE"]);

function combineBits(command: Command): Command | undefined {
  const operation = upper(command[1]);
  if (!newBitOperations.has(operation)) return undefined;
  const keys = command.slice(2);
  const sourceCountMin = operation === "ONE" ? 1 : 2;
  if (keys.length <= sourceCountMin) {
    return keys.length < 2
      ? failure("ERR wrong number of arguments for 'bitop' command")
      : failure(`ERR BITOP ${operation} must be called with multiple source keys.`);
  }
  return script(combineBitsScript, keys, [operation]);
}

/**
 * KEYS: destination, X, Y…. What is not in X is cut away by XOR and never by NOT, since NOT of a short string is short. The first
 * operation reads all sources: if one is no string it fails there, and nothing was written.
 */
const combineBitsScript = `
local operation, one, two, three = ARGV[1], '\\1bitop-1', '\\1bitop-2', '\\1bitop-3'
local function bits(...) return redis.call('BITOP', ...) end
bits('OR', one, unpack(KEYS, 2))
redis.call('DEL', one)
if operation == 'ONE' then
  for at = 2, #KEYS do
    bits('AND', three, one, KEYS[at])
    bits('OR', two, two, three)
    bits('XOR', one, one, KEYS[at])
  end
  bits('AND', two, one, two)
else
  bits('OR', one, unpack(KEYS, 3))
  bits('AND', two, KEYS[2], one)
end
local length
if operation == 'DIFF' then length = bits('XOR', KEYS[1], KEYS[2], two)
elseif operation == 'ANDOR' then length = bits('OR', KEYS[1], two)
else length = bits('XOR', KEYS[1], one, two) end
redis.call('DEL', one, two, three)
return length`;

function readWithoutConsumer(command: Command): Command | undefined {
  const words = command.map(upper);
  const streamsAt = words.indexOf("STREAMS");
  const isWhole = words[1] === "GROUP" && streamsAt > 3 && (words.length - streamsAt) % 2 === 1;
  if (!isWhole || !words.slice(4, streamsAt).includes("NOACK")) return undefined;
  const names = command.slice(streamsAt + 1);
  return script(readWithoutConsumerScript, names.slice(0, names.length / 2), command);
}

/** KEYS: the streams. ARGV: the command. */
const readWithoutConsumerScript = `
local group, consumer = ARGV[3], ARGV[4]
local isKnown = {}
for _, key in ipairs(KEYS) do
  local consumers = redis.pcall('XINFO', 'CONSUMERS', key, group)
  for _, fields in ipairs(consumers) do
    if fields[2] == consumer then isKnown[key] = true end
  end
end
local reply = redis.call(unpack(ARGV))
for _, key in ipairs(KEYS) do
  if not isKnown[key] then redis.call('XGROUP', 'DELCONSUMER', key, group, consumer) end
end
return reply`;
