/**
 * What a run keeps in mind: values by key, set by its code and seen by it from then on, on whichever segment.
 *
 * It is part of the journal. The code that sets a value is run again with each segment, and sets it again; so all that has to be written is what a reader of the run
 * needs to see it, and what the code of a loop needs whose earlier turns are not run again.
 *
 * M1 A change is written with the next flush, in the same command: after a crash either both the change and what came after it are there, or neither.
 * M2 A change is written once. Changes are counted by the code that makes them (its scope: the run, or a turn of a loop), and those that are written are not again.
 * M3 Code that is run again finds the values as they were: those of its own changes so far, or, behind a loop's turn, those that the turn ended with.
 */
import type * as z from "zod/mini";
import { asJson, type JsonValue } from "../core/json.ts";
import { limits } from "../core/limits.ts";
import { demand, RunFailed } from "./failures.ts";

/** A place in the memory of a run, and what may stand there. */
export interface MemorySlot<Value> {
  readonly key: string;
  readonly schema: z.ZodMiniType<Value>;
}

/** What the code of a run does with its memory. */
export interface RunMemory {
  /** `undefined` when nothing stands there. @throws internal (park) for a value that does not fit, since the code has changed. */
  get<Value>(slot: MemorySlot<Value>): Value | undefined;
  /**
   * Durable with the next step. The value is what JSON keeps of it.
   * @throws RunFailed `memory_full` when it is too large, or one too many; internal (park) for a value that does not fit the slot.
   */
  set<Value>(slot: MemorySlot<Value>, value: Value): void;
  delete(slot: MemorySlot<unknown>): void;
}

/** A change as the journal has it. */
export interface MemoryChange {
  readonly key: string;
  /** Absent when the key was deleted. */
  readonly value?: JsonValue;
  /** The turn of a loop whose code made it. */
  readonly scope?: string;
  /** Counts the changes of the scope, from 1. */
  readonly nth: number;
}

/** Never changed in place: what refers to it keeps what it saw. */
export interface WorkingMemory {
  readonly values: ReadonlyMap<string, JsonValue>;
  /** How many changes of each scope are written. */
  readonly changes: ReadonlyMap<string, number>;
}

/** As JSON has it. */
export interface MemorySnapshot {
  readonly values: Readonly<Record<string, JsonValue>>;
  readonly changes: Readonly<Record<string, number>>;
}

export const emptyWorkingMemory: WorkingMemory = { values: new Map(), changes: new Map() };

export function memorySlot<Value>(key: string, schema: z.ZodMiniType<Value>): MemorySlot<Value> {
  demand(
    key.length >= 1 && key.length <= limits.memoryKeyCharsMax && key.isWellFormed(),
    `the key of a slot of memory does not have 1 to ${limits.memoryKeyCharsMax} characters`,
  );
  return { key, schema };
}

export function applyMemoryChange(memory: WorkingMemory, { key, value, scope = "", nth }: MemoryChange): WorkingMemory {
  const values = new Map(memory.values);
  if (value === undefined) values.delete(key);
  else values.set(key, value);
  return { values, changes: new Map(memory.changes).set(scope, nth) };
}

/** The turns of a loop that are over make no changes any more. */
export function forgetScopes(memory: WorkingMemory, prefix: string): WorkingMemory {
  const changes = new Map([...memory.changes].filter(([scope]) => !scope.startsWith(prefix)));
  return changes.size === memory.changes.size ? memory : { ...memory, changes };
}

export function memorySnapshot({ values, changes }: WorkingMemory): MemorySnapshot {
  return { values: Object.fromEntries(values), changes: Object.fromEntries(changes) };
}

export function memoryFrom({ values, changes }: MemorySnapshot): WorkingMemory {
  return { values: new Map(Object.entries(values)), changes: new Map(Object.entries(changes)) };
}

/** One for all the code of a run; each scope has its own `RunMemory`. */
export interface MemoryDesk {
  scoped(scope: string): RunMemory;
  /** The code goes on behind a turn that ended with these values. */
  restore(memory: WorkingMemory): void;
}

/** @param recorded as the journal had it when the code began. */
export function createMemoryDesk(recorded: WorkingMemory, write: (change: MemoryChange) => void): MemoryDesk {
  let values = new Map<string, JsonValue>();

  function change(scope: string, nth: number, key: string, value: JsonValue | undefined): void {
    if (value === undefined) values.delete(key);
    else values.set(key, value);
    if (nth <= (recorded.changes.get(scope) ?? 0)) return;
    write({ key, nth, ...(value === undefined ? {} : { value }), ...(scope === "" ? {} : { scope }) });
  }

  return {
    scoped(scope) {
      let made = 0;
      return {
        get({ key, schema }) {
          const value = values.get(key);
          if (value === undefined) return undefined;
          const parsed = schema.safeParse(value);
          demand(parsed.success, `what the run remembers as "${key}" does not fit its slot`);
          return parsed.data;
        },
        set({ key, schema }, given) {
          const parsed = schema.safeParse(given);
          const json = parsed.success ? asJson(parsed.data) : undefined;
          demand(
            json?.value !== undefined,
            `what is to be remembered as "${key}" does not fit its slot, or is no JSON`,
          );
          checkRoom(values, key, json.text);
          change(scope, (made += 1), key, json.value);
        },
        delete: ({ key }) => change(scope, (made += 1), key, undefined),
      };
    },
    restore(memory) {
      values = new Map(memory.values);
    },
  };
}

/** @throws RunFailed */
function checkRoom(values: ReadonlyMap<string, JsonValue>, key: string, text: string): void {
  const bytes = new TextEncoder().encode(text).byteLength;
  if (bytes > limits.memoryValueBytesMax) {
    throw full(`"${key}" has ${bytes} bytes, of ${limits.memoryValueBytesMax} that one value may have`);
  }
  if (!values.has(key) && values.size >= limits.memoryKeysMax) {
    throw full(`"${key}" is one more than the ${limits.memoryKeysMax} values that a run may remember`);
  }
}

function full(reason: string): RunFailed {
  return new RunFailed(`The memory of the run is full: ${reason}.`, { code: "memory_full" });
}
