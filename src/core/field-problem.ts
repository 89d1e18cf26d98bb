import type * as z from "zod/mini";

export interface FieldProblem {
  /** JSON pointer (RFC 6901) to the field; empty for the whole. */
  readonly pointer: string;
  readonly detail: string;
}

/** Wrong fields that are named at once. */
const fieldProblemsMax = 10;

/** What a schema found wrong, in words that never quote a value. */
export function fieldProblemsOf(issues: readonly z.core.$ZodIssue[]): FieldProblem[] {
  return issues.slice(0, fieldProblemsMax).map((issue) => ({
    pointer: issue.path.map((part) => `/${String(part).replaceAll("~", "~0").replaceAll("/", "~1")}`).join(""),
    detail: describe(issue),
  }));
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
    case "unrecognized_keys":
      return "has fields that are not known here";
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
