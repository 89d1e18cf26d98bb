/**
 * A Lua script that Redis runs by its SHA-1.
 *
 * Start a script with the line `#!lua flags=allow-key-locking` and declare every key that it touches: without both,
 * Upstash locks the whole database while it runs. Each `redis.call` inside is billed on top of the EVALSHA, so a script
 * is for atomicity, never for saving.
 */
import type { Batch, Reader, RedisArgument } from "./batch.ts";
import type { ScriptPlace, SealedArguments } from "./sealing.ts";

export interface Script {
  readonly text: string;
  /** Billed calls inside of a run that answered so. Of a run that failed none are known. */
  readonly calls: (reply: unknown) => number;
  /** Its arguments that are texts of users; the script sees them sealed. */
  readonly sealed: readonly SealedArguments[];
  /** Set where it may answer a text that is stored there. */
  readonly answersText?: ScriptPlace;
  /** Lowercase hexadecimal SHA-1 of the text; computed at first use, since Workers compute nothing at module level. */
  sha1(): Promise<string>;
  /**
   * Enqueues one run of the script.
   *
   * Costs no round trip of its own; when Redis does not know the script, the batch sends the text in a second trip, once.
   */
  evalsha<T>(batch: Batch, keys: readonly string[], args: readonly RedisArgument[], read: Reader<T>): Promise<T>;
}

export function defineScript(
  text: string,
  { sealed = [], ...rest }: Pick<Script, "calls" | "answersText"> & Partial<Pick<Script, "sealed">>,
): Script {
  let digest: Promise<string> | undefined;
  const script: Script = {
    text,
    sealed,
    ...rest,
    sha1: () => (digest ??= sha1Hex(text)),
    evalsha: (batch, keys, args, read) => batch.script(script, keys, args, read),
  };
  return script;
}

async function sha1Hex(text: string): Promise<string> {
  const bytes = await crypto.subtle.digest("SHA-1", new TextEncoder().encode(text));
  return Array.from(new Uint8Array(bytes), (byte) => byte.toString(16).padStart(2, "0")).join("");
}
