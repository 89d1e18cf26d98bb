/**
 * What happens to the text of a Lua script before Redis sees it. Two things, and neither moves a line:
 *
 * 1. The flag `allow-key-locking`, which only Upstash knows, leaves the shebang; any other Redis rejects the script for it.
 * 2. The script is put into a function, with `redis` shadowed by a table whose `call` and `pcall` write down each call before making it. The answer becomes
 *    `[[name, key, name, key, …], result]`, from which script-reply.ts takes the bill and the result apart.
 *
 * Upstash bills each call inside a script. The other ways of counting were weighed: `INFO commandstats` before and after, inside a
 * transaction, costs 160 µs for each script and names no keys; MONITOR arrives on a connection of its own, after the answer that it
 * belongs to. A call through `loadstring` or `_G.redis` escapes this count; no client of ours does that.
 *
 * Errors: a failed script still has a bill, so the error travels as a result, with the words that Redis itself would have added
 * (`script: <sha1>, on @user_script:<line>.`). After `return redis.call(…)`, a tail call, Lua has forgotten the line, and we say 1.
 */

/** The first line of the script, if it is a shebang, without the flag; then the body. */
export function withoutKeyLocking(script: string): { shebang: string; body: string } {
  if (!script.startsWith("#!")) return { shebang: "", body: script };
  const lineEnd = script.indexOf("\n");
  const line = lineEnd < 0 ? script : script.slice(0, lineEnd);
  const words = line.trimEnd().split(/\s+/).flatMap(withoutFlag);
  return { shebang: `${words.join(" ")}\n`, body: lineEnd < 0 ? "" : script.slice(lineEnd + 1) };
}

/** The text to run in place of a script with this SHA-1. */
export function countingScript(script: string, sha1: string): string {
  const { shebang, body } = withoutKeyLocking(script);
  return `${shebang}${prelude.replace("<sha1>", sha1)}${body}\nend)`;
}

/** A library of functions loses the flag too, also where it registers them; the calls inside functions are not counted. */
export function libraryWithoutKeyLocking(code: string): string {
  const { shebang, body } = withoutKeyLocking(code);
  return shebang + body.replaceAll(/(["'])allow-key-locking\1\s*,?/g, "");
}

function withoutFlag(word: string): string[] {
  if (!word.startsWith("flags=")) return [word];
  const flags = word
    .slice("flags=".length)
    .split(",")
    .filter((flag) => flag !== "allow-key-locking");
  return flags.length === 0 ? [] : [`flags=${flags.join(",")}`];
}

/** On one line, because the script's own first line follows on it. */
const prelude = `local redis,server,bill__=(function()
local api,calls,inside=redis,{},false
local function noted(call) return function(...)
 calls[#calls+1]=tostring((...) or '') calls[#calls+1]=tostring(select(2,...) or '')
 inside=true
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
local proxy=setmetatable({call=noted(api.call),pcall=noted(api.pcall)},{__index=api})
return proxy,proxy,function(script) local _,result=xpcall(script,located) return {calls,result} end
end)() return bill__(function(...) `.replaceAll("\n", " ");
