import type { Context } from "hono";

/** Answers with what a library has made. Hono would drop what `c.header` has set before: the request's id, where its caller stands with the limits, a renewed cookie. */
export function relay(c: Context, answer: Response): Response {
  return c.newResponse(answer.body, answer);
}
