/**
 * References of a plan to earlier results: `{"$from": "<step id>", "path": "offers.0.restaurantId"}` stands for a value in that step's output. Without a path it is the whole output.
 */
export interface Reference {
  readonly $from: string;
  readonly path?: string;
}

export type Resolved =
  | { readonly kind: "ok"; readonly value: unknown }
  /** What could not be found, in words. */
  | { readonly kind: "dangling"; readonly problem: string };

const depthMax = 12;

/** All step ids that the parameters refer to. */
export function referencesIn(value: unknown, depth = 0): string[] {
  if (depth > depthMax || typeof value !== "object" || value === null) return [];
  if (isReference(value)) return [value.$from];
  return Object.values(value).flatMap((part) => referencesIn(part, depth + 1));
}

/** @param outputOf the output of a step that is done, `undefined` for any other. */
export function resolveReferences(
  value: unknown,
  outputOf: (id: string) => { readonly output: unknown } | undefined,
): Resolved {
  try {
    return { kind: "ok", value: resolve(value, outputOf, 0) };
  } catch (error) {
    if (error instanceof Dangling) return { kind: "dangling", problem: error.message };
    throw error;
  }
}

class Dangling extends Error {}

function resolve(
  value: unknown,
  outputOf: (id: string) => { readonly output: unknown } | undefined,
  depth: number,
): unknown {
  if (depth > depthMax) throw new Dangling("the parameters are nested too deeply");
  if (typeof value !== "object" || value === null) return value;
  if (isReference(value)) return pick(value, outputOf);
  if (Array.isArray(value)) return value.map((part) => resolve(part, outputOf, depth + 1));
  return Object.fromEntries(Object.entries(value).map(([name, part]) => [name, resolve(part, outputOf, depth + 1)]));
}

function pick(
  { $from, path = "" }: Reference,
  outputOf: (id: string) => { readonly output: unknown } | undefined,
): unknown {
  const done = outputOf($from);
  if (done === undefined) throw new Dangling(`step "${$from}" has no result`);
  let at = done.output;
  for (const name of path.split(/[.[\]]+/).filter((part) => part !== "")) {
    const has = typeof at === "object" && at !== null && Object.hasOwn(at, name);
    if (!has) throw new Dangling(`the result of step "${$from}" has no "${path}"`);
    at = (at as Record<string, unknown>)[name];
  }
  return at;
}

function isReference(value: object): value is Reference {
  const { $from, path, ...rest } = value as Partial<Reference>;
  return (
    typeof $from === "string" && (path === undefined || typeof path === "string") && Object.keys(rest).length === 0
  );
}
