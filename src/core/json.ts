/** What JSON can hold: what crosses from one segment, process or day to another. */
export type JsonValue =
  | string
  | number
  | boolean
  | null
  | readonly JsonValue[]
  | { readonly [name: string]: JsonValue | undefined };

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

/** Of what comes from outside. V8 parses any depth, and fails at some thousands when it is to write the value again. */
export const jsonDepthMax = 200;

/** As `parseJson`, for what a stranger has written: `undefined` also for what is nested deeper than `jsonDepthMax`. */
export function parseForeignJson(text: string): unknown {
  return isTooDeep(text) ? undefined : parseJson(text);
}

/** Whether JSON is nested deeper than `jsonDepthMax`; reads the text once, and no more of it than it has to. */
export function isTooDeep(text: string): boolean {
  let depth = 0;
  let isInText = false;
  for (let at = 0; at < text.length; at += 1) {
    const char = text[at];
    if (char === '"') isInText = !isInText;
    else if (isInText) at += char === "\\" ? 1 : 0;
    else if (char === "[" || char === "{") depth += 1;
    else if (char === "]" || char === "}") depth -= 1;
    if (depth > jsonDepthMax) return true;
  }
  return false;
}

/** The same text for the same value, whatever the order in which its fields were written. `value` is what JSON can hold. */
export function canonicalJson(value: unknown): string {
  return JSON.stringify(value, (_key, inner: unknown) =>
    typeof inner === "object" && inner !== null && !Array.isArray(inner)
      ? Object.fromEntries(Object.entries(inner).toSorted(([a], [b]) => (a < b ? -1 : 1)))
      : inner,
  );
}
