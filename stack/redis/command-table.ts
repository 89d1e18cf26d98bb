import type { Backend } from "./backend.ts";
import { nameOf, upper } from "./refusals.ts";
import { StatusReply } from "./resp.ts";
import type { Arg, Command, Reply } from "./resp.ts";

/** What this Redis says about its own commands. */
export interface CommandTable {
  isKnown(name: string): boolean;
  /** Whether a read-only token may send it. */
  isReadOnly(command: Command): boolean;
  /** The first key, or undefined: no key, or not a command that we know. */
  keyOf(command: Command): string | undefined;
  /** Every key that stands at a fixed place or is counted; those that an option names are missing. */
  keysOf(command: Command): Arg[];
}

interface CommandFacts {
  isReadOnly: boolean;
  keys: KeyRange;
}

/** Positions in the command; `first` is 0 for none, a negative `last` counts from the end. Source: https://redis.io/docs/latest/commands/command/ */
interface KeyRange {
  first: number;
  last: number;
  step: number;
}

const noKeys: KeyRange = { first: 0, last: 0, step: 1 };

/** Redis flags these as neither reading nor writing, or flags only their subcommands. */
const harmless: ReadonlySet<string> = new Set([
  "PING",
  "ECHO",
  "TIME",
  "INFO",
  "DBSIZE",
  "OBJECT",
  "XINFO",
  "MEMORY",
  "COMMAND",
  "LOLWUT",
]);

/** Costs one COMMAND, once. */
export async function loadCommandTable(backend: Backend): Promise<CommandTable> {
  const [reply] = await backend.send([["COMMAND"]]);
  const facts = new Map<string, CommandFacts>();
  for (const row of Array.isArray(reply) ? reply : []) {
    if (!Array.isArray(row)) continue;
    const keys = { first: Number(row[3]), last: Number(row[4]), step: Number(row[5]) };
    facts.set(String(row[0]).toUpperCase(), { isReadOnly: hasFlag(row[2], "readonly"), keys });
  }
  const rangeOf = (command: Command): KeyRange => keyRange(command, facts.get(nameOf(command))?.keys ?? noKeys);

  return {
    isKnown: (name) => facts.has(name),
    isReadOnly: (command) => harmless.has(nameOf(command)) || facts.get(nameOf(command))?.isReadOnly === true,
    keyOf(command) {
      const { first } = rangeOf(command);
      const key = first > 0 ? command[first] : undefined;
      return key === undefined ? undefined : String(key);
    },
    keysOf(command) {
      const { first, last, step } = rangeOf(command);
      if (first === 0) return [];
      const end = last < 0 ? command.length + last : last;
      return command.filter((_, at) => at >= first && at <= end && (at - first) % step === 0);
    },
  };
}

/** Scripts say how many keys they have before the first; stream reads name a word after which half of the rest is keys. */
function keyRange(command: Command, fixed: KeyRange): KeyRange {
  switch (nameOf(command)) {
    case "EVAL":
    case "EVAL_RO":
    case "EVALSHA":
    case "EVALSHA_RO":
    case "FCALL":
    case "FCALL_RO": {
      const count = Number(command[2]);
      return count > 0 ? { first: 3, last: 2 + count, step: 1 } : noKeys;
    }
    case "XREAD":
    case "XREADGROUP": {
      const first = command.findIndex((word) => upper(word) === "STREAMS") + 1;
      return { first, last: first - 1 + Math.floor((command.length - first) / 2), step: 1 };
    }
    default:
      return fixed;
  }
}

function hasFlag(flags: Reply | undefined, flag: string): boolean {
  return Array.isArray(flags) && flags.some((entry) => entry instanceof StatusReply && entry.text === flag);
}
