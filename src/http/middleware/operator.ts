import { createMiddleware } from "hono/factory";
import { AppError } from "../../core/errors.ts";
import type { AppEnv } from "../app-env.ts";
import { isSameText } from "../../session/same-text.ts";
import type { EdgeWire } from "../edge-wire.ts";

/** Whether the request carries the internal key. */
export async function isOperator(
  key: string | undefined,
  { internalKey }: Pick<EdgeWire, "internalKey">,
): Promise<boolean> {
  return key !== undefined && (await isSameText(key, internalKey.reveal()));
}

/** Lets in operators alone. What is not theirs is not there. @throws not_found (refuse) */
export function requireOperator() {
  return createMiddleware<AppEnv>(async (c, next) => {
    if (!(await isOperator(c.req.header("X-Internal-Key"), c.get("wire")))) {
      throw new AppError("not_found", "There is no such route.");
    }
    await next();
  });
}
