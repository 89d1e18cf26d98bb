/** What JSON can hold: what crosses from one segment, process or day to another. */
export type JsonValue =
  | string
  | number
  | boolean
  | null
  | readonly JsonValue[]
  | { readonly [name: string]: JsonValue | undefined };

/**
 * The type of what is read back: a date is a text then. `never` for what JSON cannot hold, and for that of which nothing would be left, so that code which
 * uses it does not compile.
 */
export type AsJson<T> = T extends JsonValue | undefined | void
  ? T
  : T extends { toJSON(...args: never): infer Json }
    ? AsJson<Json>
    : T extends NotJson
      ? never
      : T extends object
        ? { [Name in keyof T]: AsJson<T[Name]> }
        : T;

type NotJson =
  | bigint
  | symbol
  | ((...args: never) => unknown)
  | ReadonlyMap<unknown, unknown>
  | ReadonlySet<unknown>
  | ArrayBuffer
  | ArrayBufferView;

/**
 * The value as it will be read back, or `undefined` when JSON cannot hold it (a cycle, a BigInt). Dates become texts; functions and
 * `undefined` vanish from objects.
 */
export function asJson(value: unknown): { readonly value: JsonValue | undefined; readonly text: string } | undefined {
  try {
    const text = JSON.stringify(value) as string | undefined;
    return text === undefined ? { value: undefined, text: "" } : { value: JSON.parse(text) as JsonValue, text };
  } catch {
    return undefined;
  }
}

/** What the text says; `undefined` for what is no JSON. */
export function parseJson(text: string): unknown {
  try {
    return JSON.parse(text);
  } catch {
    return undefined;
  }
}

/** The same text for the same value, whatever the order in which its fields were written. `value` is what JSON can hold. */
export function canonicalJson(value: unknown): string {
  return JSON.stringify(value, (_key, inner: unknown) =>
    typeof inner === "object" && inner !== null && !Array.isArray(inner)
      ? Object.fromEntries(Object.entries(inner).toSorted(([a], [b]) => (a < b ? -1 : 1)))
      : inner,
  );
}
