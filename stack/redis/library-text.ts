/**
 * What happens to a library of functions before Redis sees it. No line moves.
 *
 * 1. The flag `allow-key-locking` goes, from the first line and from where functions are registered.
 * 2. Each function that does not say `no-writes` is registered a second time, as one that does. Upstash lets FCALL_RO call any function and refuses
 *    the write when it happens; Redis refuses the call. Source: the SDK's own tests of FCALL_RO.
 *
 * Calls inside functions are not counted: while a library is loaded, Lua has nothing of what counting them would take.
 */
import { withoutKeyLocking } from "./script-text.ts";
import type { Reply } from "./resp.ts";

const READ_ONLY = "__read_only";

/** The name under which the function may be called by FCALL_RO, if it is there. */
export function readOnlyName(name: string): string {
  return name + READ_ONLY;
}

export function libraryText(code: string): string {
  const { shebang, body } = withoutKeyLocking(code);
  const unlocked = body.replaceAll(/(["'])allow-key-locking\1\s*,?/g, "");
  return shebang + prelude + unlocked.replaceAll(/\b(redis|server)\.register_function\b/g, "register_$1__");
}

/** The reply of FUNCTION LIST as if nothing had been added. */
export function readLibraryList(reply: Reply): Reply {
  return Array.isArray(reply) ? reply.map(asLoaded) : reply;
}

/** A library is a flat list of names and values; so is each function in it. */
function asLoaded(library: Reply): Reply {
  if (!Array.isArray(library)) return library;
  return library.map((value, index) => {
    const name = String(library[index - 1]);
    if (name === "functions" && Array.isArray(value)) return value.filter((entry) => !isReadOnlyCopy(entry));
    if (name === "library_code" && Buffer.isBuffer(value)) return Buffer.from(originalText(value.toString()));
    return value;
  });
}

function isReadOnlyCopy(entry: Reply): boolean {
  return Array.isArray(entry) && String(entry[1]).endsWith(READ_ONLY);
}

function originalText(code: string): string {
  return code.replace(prelude, "").replaceAll(/\bregister_(redis|server)__/g, "$1.register_function");
}

/** On one line, like that of scripts. All that Lua has while it loads a library is `redis` and the language itself. */
const prelude = `local function register_redis__(name,callback)
local given=name
if callback~=nil then given={function_name=name,callback=callback} end
redis.register_function(given)
local flags={'no-writes'}
for at=1,#(given.flags or {}) do
 if given.flags[at]=='no-writes' then return end
 flags[at+1]=given.flags[at]
end
redis.register_function{function_name=given.function_name..'${READ_ONLY}',callback=given.callback,flags=flags}
end local register_server__=register_redis__ `.replaceAll("\n", " ");
