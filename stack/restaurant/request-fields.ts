/** The fields of a request, checked. @throws Refusal 400 that names the first wrong one. */
import { Refusal } from "./refusal.ts";

const textCharsMax = 200;

export interface RequestFields {
  text(name: string): string;
  /** Whole, `min` to `max`. */
  count(name: string, min: number, max: number): number;
  oneOf<const T extends string>(name: string, allowed: readonly T[]): T;
}

/** @param source a parsed body, or the parameters of a query. */
export function requestFields(source: unknown): RequestFields {
  if (typeof source !== "object" || source === null || Array.isArray(source)) {
    throw new Refusal(400, "The body must be a JSON object.");
  }
  const record = source as Record<string, unknown>;
  return {
    text(name) {
      const value = record[name];
      if (typeof value === "string" && value !== "" && value.length <= textCharsMax) return value;
      throw new Refusal(400, `${name} must be a text of 1 to ${textCharsMax} characters.`);
    },
    count(name, min, max) {
      const value = Number(record[name]);
      if (Number.isInteger(value) && value >= min && value <= max) return value;
      throw new Refusal(400, `${name} must be a whole number from ${min} to ${max}.`);
    },
    oneOf(name, allowed) {
      const value = record[name];
      const found = allowed.find((candidate) => candidate === value);
      if (found !== undefined) return found;
      throw new Refusal(400, `${name} must be one of ${allowed.join(", ")}.`);
    },
  };
}
