/**
 * What happens to the text of a Lua script before Redis sees it. Three things, and none moves a line:
 *
 * 1. The flag `allow-key-locking`, which only Upstash knows, leaves the shebang; any other Redis rejects the script for it. If it was the only flag the
 *    shebang goes, too: an empty one would say that the script writes, and EVAL_RO would refuse it.
 * 2. The script is put into a function, with `redis` shadowed by a table whose `call` and `pcall` write down each call before making it. The answer becomes
 *    `[[name, key, name, key, …], result]`, from which script-reply.ts takes the bill and the result apart.
 * 3. Where the flag stood, a call is refused that touches a key which is not among KEYS, or the whole database, as Upstash refuses it.
 *
 * Upstash bills each call inside a script. The other ways of counting were weighed: `INFO commandstats` before and after, inside a
 * transaction, costs 160 µs for each script and names no keys; MONITOR arrives on a connection of its own, after the answer that it
 * belongs to. A call through `loadstring` or `_G.redis` escapes this count; no client of ours does that.
 *
 * Errors: a failed script still has a bill, so the error travels as a result, with the words that Redis itself would have added
 * (`script: <sha1>, on @user_script:<line>.`). After `return redis.call(…)`, a tail call, Lua has forgotten the line, and we say 1.
 */

const KEY_LOCKING = "allow-key-locking";

/** The first line of the script, if it is a shebang, without the flag; then the body. */
export function withoutKeyLocking(script: string): { shebang: string; body: string; isLocking: boolean } {
  if (!script.startsWith("#!")) return { shebang: "", body: script, isLocking: false };
  const lineEnd = script.indexOf("\n");
  const line = lineEnd < 0 ? script : script.slice(0, lineEnd);
  const words = line.trimEnd().split(/\s+/).flatMap(withoutFlag);
  const isLocking = line.includes(KEY_LOCKING);
  const shebang = isLocking && words.length === 1 ? "" : words.join(" ");
  return { shebang: `${shebang}\n`, body: lineEnd < 0 ? "" : script.slice(lineEnd + 1), isLocking };
}

/** The text to run in place of a script with this SHA-1. */
export function countingScript(script: string, sha1: string): string {
  const { shebang, body, isLocking } = withoutKeyLocking(script);
  const start = prelude.replace("<sha1>", sha1).replace("<locked>", isLocking ? "KEYS" : "nil");
  return `${shebang}${start}${body}\nend)`;
}

function withoutFlag(word: string): string[] {
  if (!word.startsWith("flags=")) return [word];
  const flags = word
    .slice("flags=".length)
    .split(",")
    .filter((flag) => flag !== KEY_LOCKING);
  return flags.length === 0 ? [] : [`flags=${flags.join(",")}`];
}

/** On one line, because the script's own first line follows on it. */
const prelude = `local redis,server,bill__=(function(locked)
local api,calls,inside=redis,{},false
local declared={}
for _,key in ipairs(locked or {}) do declared[key]=true end
local function refusal(...)
 if not locked then return nil end
 local name=string.upper(tostring((...) or ''))
 if name=='FLUSHALL' or name=='FLUSHDB' then
  return "ERR "..name.." is not allowed in Lua scripts when 'allow-key-locking' flag is set."
 end
 for _,key in ipairs(api.pcall('COMMAND','GETKEYS',...)) do
  if not declared[key] then
   return "ERR Dynamic keys are not allowed in Lua scripts when 'allow-key-locking' flag is set. Key was: "..key
  end
 end
end
local function noted(call,fail) return function(...)
 inside=true
 local refused=refusal(...)
 if refused then inside=fail==error return fail({err=refused}) end
 calls[#calls+1]=tostring((...) or '') calls[#calls+1]=tostring(select(2,...) or '')
 local reply=call(...)
 inside=false
 return reply
end end
local function located(failure)
 local line,skip='1',inside and 1 or 0
 for level=3,9 do
  local _,where=pcall(error,'',level)
  local found=string.match(tostring(where),':(%d+): $')
  if found and skip==0 then line=found break end
  if found then skip=skip-1 end
 end
 local text=type(failure)=='table' and failure.err or 'ERR '..tostring(failure)
 return {err=tostring(text)..' script: <sha1>, on @user_script:'..line..'.'}
end
local function given(failure) return failure end
local proxy=setmetatable({call=noted(api.call,error),pcall=noted(api.pcall,given)},{__index=api})
return proxy,proxy,function(script) local _,result=xpcall(script,located) return {calls,result} end
end)(<locked>) return bill__(function(...) `.replaceAll("\n", " ");
