import type * as z from "zod/mini";

export interface FieldProblem {
  /** JSON pointer (RFC 6901) to the field; empty for the whole. */
  readonly pointer: string;
  readonly detail: string;
}

/** Wrong fields that are named at once. */
const fieldProblemsMax = 10;
/** Of those, in one object, that do not belong there. */
const unknownFieldsMax = 3;
const fieldNameCharsMax = 64;

/** Of a field that does not belong there: whoever sent it has made up its name. */
export const unknownField = "is not known here";

/** What a schema found wrong, in words that never quote a value. */
export function fieldProblemsOf(issues: readonly z.core.$ZodIssue[]): FieldProblem[] {
  return issues.flatMap(problemsOf).slice(0, fieldProblemsMax);
}

function problemsOf(issue: z.core.$ZodIssue): FieldProblem[] {
  if (issue.code !== "unrecognized_keys") return [{ pointer: pointerOf(issue.path), detail: describe(issue) }];
  const named = issue.keys.slice(0, unknownFieldsMax);
  return named.map((key) => ({ pointer: pointerOf([...issue.path, key]), detail: unknownField }));
}

function pointerOf(path: readonly PropertyKey[]): string {
  return path.map((part) => `/${cut(String(part)).replaceAll("~", "~0").replaceAll("/", "~1")}`).join("");
}

function cut(name: string): string {
  return name.length <= fieldNameCharsMax ? name : `${name.slice(0, fieldNameCharsMax).toWellFormed()}…`;
}

function describe(issue: z.core.$ZodIssue): string {
  switch (issue.code) {
    case "invalid_type":
      return `must be ${article(issue.expected)}`;
    case "too_big":
      return `must have at most ${issue.maximum}${unitOf(issue.origin)}`;
    case "too_small":
      return `must have at least ${issue.minimum}${unitOf(issue.origin)}`;
    case "invalid_value":
      return `must be one of ${issue.values.map(String).join(", ")}`;
    default:
      return "does not have the expected form";
  }
}

function article(type: string): string {
  return `${/^[aeio]/.test(type) ? "an" : "a"} ${type}`;
}

function unitOf(origin: string): string {
  if (origin === "string") return " characters";
  return origin === "array" ? " items" : "";
}
