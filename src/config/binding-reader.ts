import { Secret } from "../core/secret.ts";

/** The environment as it comes: any binding may be missing, empty, or no string at all. */
export type Bindings = object;

/** Reads bindings by name and collects what is wrong with them; a wrong one reads as an empty string. */
export class BindingReader {
  readonly problems: string[] = [];
  readonly #env: Record<string, unknown>;

  constructor(env: Bindings) {
    this.#env = env as Record<string, unknown>;
  }

  has(name: string): boolean {
    return this.#value(name) !== "";
  }

  /** The first of `names` that is set. `source` says where a person gets the value. */
  text(names: readonly string[], source: string): string {
    const name = names.find((candidate) => this.has(candidate));
    if (name !== undefined) return this.#value(name);
    this.problems.push(`${names.join(" or ")} is not set: ${source}.`);
    return "";
  }

  secret(names: readonly string[], source: string): Secret {
    return new Secret(this.text(names, source));
  }

  url(names: readonly string[], source: string): string {
    const text = this.text(names, source);
    if (text === "") return "";
    const protocol = URL.parse(text)?.protocol;
    if (protocol === "https:" || protocol === "http:") return text.replace(/\/+$/, "");
    this.problems.push(`${names.join(" or ")} is set, but is no http(s) URL: ${source}.`);
    return "";
  }

  /** A whole number. */
  count(name: string, { min, max }: { readonly min: number; readonly max: number }): number {
    const text = this.#value(name);
    const value = Number(text);
    if (/^\d+$/.test(text) && value >= min && value <= max) return value;
    this.problems.push(`${name} is set, but is no whole number from ${min} to ${max}.`);
    return min;
  }

  oneOf<const T extends string>(name: string, allowed: readonly T[]): T {
    const value = this.#value(name);
    if ((allowed as readonly string[]).includes(value)) return value as T;
    const state = value === "" ? "is not set" : "has another value";
    this.problems.push(`${name} ${state}: it is one of ${allowed.join(", ")}.`);
    return allowed[0]!;
  }

  #value(name: string): string {
    const value = this.#env[name];
    return typeof value === "string" ? value.trim() : "";
  }
}
