import type * as z from "zod/mini";
import type { JsonValue } from "../core/json.ts";
import { invariant } from "../core/ports.ts";
import type { ConversationNote, RunRef } from "./journal.ts";
import type { Failure } from "./journal-entry.ts";
import type { RunContext } from "./run-context.ts";

export interface RunDefinition<Input = unknown, Output = unknown, Services = unknown> {
  /** kebab-case; runs are started by it. */
  readonly name: string;
  /** Counts up when the code changes so that it takes another path. Runs that began with a version keep it: leave the old one in the registry. */
  readonly version: number;
  readonly input: z.ZodMiniType<Input>;
  readonly run: (ctx: RunContext<Services>, input: Input) => Promise<Output>;
  /** True where nobody follows the run's events: saves the command that tells readers. They are still there to be read. */
  readonly isQuiet?: boolean;
  /** True where only the app itself starts such runs, never a caller by name: what stands in their input was checked elsewhere, and no caller may change it. */
  readonly isInternal?: boolean;
  /** What whoever starts such a run, or has it tried again, must have beside what the route asks for: a scope, and tokens that are left of the day. */
  readonly needs?: { readonly scope: "agents" | "tools"; readonly tokens: boolean };
  /** What its caller has said of an input, where the app has added to it; all of it without. Two requests that say the same are one. */
  readonly saidIn?: (input: Input) => unknown;
  /** Which outcomes are a person's word on a step that follows; none without it. */
  readonly wordOn?: WordOn;
  /** What a run leaves in the conversation that it belongs to, written with its start and with its end: the same for the same run. */
  readonly inConversation?: {
    readonly opening: (start: RunStart<Input>) => Note;
    readonly closing: (end: RunEnd<Input>) => Note;
  };
}

/** The step that an outcome is a person's word on, and whether the word was yes; `undefined` for an outcome that is none. */
export type WordOn = (
  step: string,
  value: JsonValue | undefined,
) => { readonly step: string; readonly isYes: boolean } | undefined;

type Note = Omit<ConversationNote, "conversationId">;

export interface RunStart<Input = unknown> {
  readonly ref: RunRef;
  readonly input: Input;
  readonly startedAtMs: number;
}

/** What became of a run. */
export interface RunEnd<Input = unknown> extends RunStart<Input> {
  readonly endedAtMs: number;
  readonly outcome:
    | { readonly status: "completed"; readonly output: JsonValue | undefined }
    | { readonly status: "failed" | "cancelled"; readonly failure: Failure };
}

/** Types the code of a run from its input to its result. */
export function defineRun<Input, Output, Services>(
  definition: RunDefinition<Input, Output, Services>,
): RunDefinition<Input, Output, Services> {
  invariant(/^[a-z][a-z0-9-]{0,63}$/.test(definition.name), `"${definition.name}" is no name of a run: use kebab-case`);
  invariant(Number.isSafeInteger(definition.version) && definition.version >= 1, "a version is 1 or greater");
  return definition;
}

/** A definition whose input is known to itself only. */
export type AnyRunDefinition<Services> = RunDefinition<any, any, Services>;

export interface RunRegistry<Services> {
  /** The newest version, or the one that is asked for. */
  get(name: string, version?: number): AnyRunDefinition<Services> | undefined;
  list(): readonly AnyRunDefinition<Services>[];
}

/** @throws internal (park) when two definitions have one name and version. */
export function createRunRegistry<Services>(definitions: readonly AnyRunDefinition<Services>[]): RunRegistry<Services> {
  const byKey = new Map(definitions.map((definition) => [`${definition.name}@${definition.version}`, definition]));
  invariant(byKey.size === definitions.length, "each definition has a name and version of its own");
  const newest = new Map<string, AnyRunDefinition<Services>>();
  for (const definition of definitions) {
    const known = newest.get(definition.name);
    if (known === undefined || known.version < definition.version) newest.set(definition.name, definition);
  }
  return {
    get: (name, version) => (version === undefined ? newest.get(name) : byKey.get(`${name}@${version}`)),
    list: () => definitions,
  };
}

/** Names a definition and its version, for the queue and for what is learned of it. */
export function definitionKey({ name, version }: { readonly name: string; readonly version: number }): string {
  return `${name}@${version}`;
}
