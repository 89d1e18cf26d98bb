import { createHash } from "node:crypto";
import { libraryText, readOnlyName } from "./library-text.ts";
import { nameOf, upper } from "./refusals.ts";
import type { Arg, Command } from "./resp.ts";
import { countingScript } from "./script-text.ts";

interface KnownScript {
  sha1: string;
  runsAs: string;
  runsAsSha1: string;
}

export interface ScriptCall {
  command: Command;
  /** What the reply must go through; `script` was run by us in place of the caller's. */
  answer: "plain" | "counted" | "loaded" | "libraries";
  script?: { sha1: string; text: string };
  /** Runs instead when Redis does not let this function be called so. */
  instead?: Command;
}

/** The scripts that clients sent, known by the client's text and by the client's SHA-1. */
export interface ScriptBook {
  /** Undefined for a command that has no script in it. */
  translate(command: Command): ScriptCall | undefined;
}

/** A forgotten script is answered with NOSCRIPT, and clients then send its text again. */
const SCRIPTS_MAX = 2_000;

export function createScriptBook(): ScriptBook {
  const byText = new Map<string, KnownScript>();
  const bySha1 = new Map<string, KnownScript>();

  function learn(text: string): KnownScript {
    const known = byText.get(text);
    if (known !== undefined) return known;
    const sha1 = sha1Of(text);
    const runsAs = countingScript(text, sha1);
    const script = { sha1, runsAs, runsAsSha1: sha1Of(runsAs) };
    forgetOldest(byText);
    forgetOldest(bySha1);
    byText.set(text, script);
    bySha1.set(sha1, script);
    return script;
  }

  const lookUp = (hash: Arg | undefined): KnownScript | undefined => bySha1.get(String(hash ?? "").toLowerCase());

  function evaluated(command: Command): ScriptCall | undefined {
    const [name, source, ...rest] = command;
    if (source === undefined) return undefined;
    const text = String(source);
    const script = learn(text);
    return { command: [name, script.runsAs, ...rest], answer: "counted", script: { sha1: script.sha1, text } };
  }

  function evaluatedByHash(command: Command): ScriptCall | undefined {
    const [name, hash, ...rest] = command;
    const script = lookUp(hash);
    if (script === undefined) return { command, answer: "plain" };
    return { command: [name, script.runsAsSha1, ...rest], answer: "counted" };
  }

  function scriptCommand(command: Command): ScriptCall | undefined {
    const [name, subcommand, ...rest] = command;
    if (subcommand === undefined) return undefined;
    if (upper(subcommand) === "LOAD" && rest[0] !== undefined && rest.length === 1) {
      const text = String(rest[0]);
      const script = learn(text);
      return { command: [name, subcommand, script.runsAs], answer: "loaded", script: { sha1: script.sha1, text } };
    }
    if (upper(subcommand) === "EXISTS" || upper(subcommand) === "SHOW") {
      const hashes = rest.map((hash) => lookUp(hash)?.runsAsSha1 ?? hash);
      return { command: [name, subcommand, ...hashes], answer: "plain" };
    }
    return undefined;
  }

  return {
    translate(command) {
      switch (nameOf(command)) {
        case "EVAL":
        case "EVAL_RO":
          return evaluated(command);
        case "EVALSHA":
        case "EVALSHA_RO":
          return evaluatedByHash(command);
        case "SCRIPT":
          return scriptCommand(command);
        case "FUNCTION":
          return libraryCommand(command);
        case "FCALL_RO":
          return readOnlyCall(command);
        default:
          return undefined;
      }
    },
  };
}

function libraryCommand(command: Command): ScriptCall | undefined {
  if (upper(command[1]) === "LIST") return { command, answer: "libraries" };
  if (upper(command[1]) !== "LOAD") return undefined;
  const [name, ...args] = command;
  const code = args.pop();
  return code === undefined ? undefined : { command: [name, ...args, libraryText(String(code))], answer: "plain" };
}

function readOnlyCall(command: Command): ScriptCall | undefined {
  const [name, called, ...rest] = command;
  if (called === undefined) return undefined;
  return { command, answer: "plain", instead: [name, readOnlyName(String(called)), ...rest] };
}

function sha1Of(text: string): string {
  return createHash("sha1").update(text).digest("hex");
}

function forgetOldest(known: Map<string, KnownScript>): void {
  if (known.size < SCRIPTS_MAX) return;
  for (const key of known.keys()) {
    known.delete(key);
    return;
  }
}
