/**
 * Failures as `application/problem+json` (RFC 9457).
 *
 * Below status 500 the client reads the error's own message, which speaks to it. From 500 on it reads the catalogue's public
 * text and the request id; message and cause are for the log.
 */
import type { Context } from "hono";
import type { ContentfulStatusCode } from "hono/utils/http-status";
import { asAppError, errorCatalogue } from "../core/errors.ts";
import type { FieldProblem } from "../core/field-problem.ts";
import { InvalidBody } from "./invalid-body.ts";

export interface Problem {
  readonly type: string;
  readonly title: string;
  readonly status: number;
  readonly detail: string;
  /** Stable; clients branch on it. */
  readonly code: string;
  readonly requestId: string;
  readonly errors?: readonly FieldProblem[];
}

export interface ProblemAnswer {
  readonly problem: Problem;
  readonly headers: Record<string, string>;
}

/** What to answer for any thrown value. */
export function problemOf(thrown: unknown, requestId: string): ProblemAnswer {
  const error = asAppError(thrown);
  const { status, title, publicText } = errorCatalogue[error.code];
  const detail = status < 500 ? error.message : publicText;
  const fields = error instanceof InvalidBody ? { errors: error.fields } : {};
  const headers: Record<string, string> = {
    "Content-Type": "application/problem+json",
    "Cache-Control": "no-store",
  };
  // Source: RFC 6750, 3: a 401 names the way in.
  if (error.code === "unauthenticated") headers["WWW-Authenticate"] = "Bearer";
  if (error.retryAfterMs !== undefined) headers["Retry-After"] = retryAfter(error.retryAfterMs);
  const problem = { type: `urn:skipstone:problem:${error.code}`, title, status, detail, code: error.code, requestId };
  return { problem: { ...problem, ...fields }, headers };
}

/** The answer itself; it keeps the headers that were set before, among them those of the rate limit. */
export function answerProblem(c: Context, thrown: unknown, requestId: string): Response {
  const { problem, headers } = problemOf(thrown, requestId);
  return c.body(JSON.stringify(problem), problem.status as ContentfulStatusCode, headers);
}

/** Whole seconds, at least one: clients take 0 as "at once". */
export function retryAfter(waitMs: number): string {
  return String(Math.max(1, Math.ceil(waitMs / 1000)));
}
