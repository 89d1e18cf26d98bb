import type { Backend } from "./backend.ts";
import { nameOf, upper } from "./refusals.ts";
import { StatusReply } from "./resp.ts";
import type { Command, Reply } from "./resp.ts";

/** What this Redis says about its own commands. */
export interface CommandTable {
  isKnown(name: string): boolean;
  /** Whether a read-only token may send it. */
  isReadOnly(command: Command): boolean;
  /** The first key, or undefined: no key, or not a command that we know. */
  keyOf(command: Command): string | undefined;
}

interface CommandFacts {
  isReadOnly: boolean;
  firstKey: number;
}

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
    facts.set(String(row[0]).toUpperCase(), { isReadOnly: hasFlag(row[2], "readonly"), firstKey: Number(row[3]) });
  }
  return {
    isKnown: (name) => facts.has(name),
    isReadOnly: (command) => harmless.has(nameOf(command)) || facts.get(nameOf(command))?.isReadOnly === true,
    keyOf(command) {
      const position = keyPosition(command, facts.get(nameOf(command))?.firstKey ?? 0);
      const key = position > 0 ? command[position] : undefined;
      return key === undefined ? undefined : String(key);
    },
  };
}

/** Zero for none. Scripts say how many keys they have before the first; stream reads name a word after which the keys come. */
function keyPosition(command: Command, firstKey: number): number {
  switch (nameOf(command)) {
    case "EVAL":
    case "EVAL_RO":
    case "EVALSHA":
    case "EVALSHA_RO":
    case "FCALL":
    case "FCALL_RO":
      return Number(command[2]) > 0 ? 3 : 0;
    case "XREAD":
    case "XREADGROUP":
      return command.findIndex((word) => upper(word) === "STREAMS") + 1;
    default:
      return firstKey;
  }
}

function hasFlag(flags: Reply | undefined, flag: string): boolean {
  return Array.isArray(flags) && flags.some((entry) => entry instanceof StatusReply && entry.text === flag);
}
