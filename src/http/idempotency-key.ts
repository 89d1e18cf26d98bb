import type { Context } from "hono";
import { AppError } from "../core/errors.ts";

const keyPattern = /^[\x21-\x7e]{1,255}$/;

/** `Idempotency-Key`: names the request, so that it may be repeated. @throws bad_request (refuse) for what is none. */
export function readIdempotencyKey(c: Context): string | undefined {
  const key = c.req.header("Idempotency-Key");
  if (key === undefined || keyPattern.test(key)) return key;
  throw new AppError("bad_request", "Idempotency-Key must have 1 to 255 visible ASCII characters.");
}
