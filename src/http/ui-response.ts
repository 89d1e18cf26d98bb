import type { Context } from "hono";
import type { AppEnv } from "./app-env.ts";
import type { FrameStream } from "./frame-stream.ts";
import { receiptFrame } from "./middleware/server-timing.ts";
import { uiStreamHeaders } from "./sse.ts";

/**
 * Answers with the stream while `done` goes on; it also goes on when the client leaves, for as long as the platform lets it.
 * A failure breaks the stream: an orderly end before `finish` would look like a whole answer to the client.
 */
export function respondWithUi(c: Context<AppEnv>, stream: FrameStream, done: Promise<void>): Response {
  const log = c.get("log");
  const { meter } = c.get("wire");
  const settled = done.then(
    async () => {
      await stream.write(receiptFrame(meter));
      stream.end();
    },
    (error: unknown) => {
      log.warn("a chat stream broke off", { cause: error });
      stream.fail(error);
    },
  );
  c.executionCtx.waitUntil(settled);
  return c.body(stream.readable, 200, uiStreamHeaders);
}
