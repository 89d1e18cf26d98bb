import type { Context } from "hono";
import { AppError } from "../../core/errors.ts";
import { exportUser, parseExportCursor } from "../../memory/export-user.ts";
import type { AppEnv } from "../app-env.ts";
import { identityOf } from "../middleware/identity.ts";

/** Everything of the caller's, streamed. What breaks it off on the way breaks off the text, so that half of it never looks like all. */
export async function exportMine(c: Context<AppEnv>): Promise<Response> {
  const { userId } = identityOf(c);
  const { exporting } = await c.get("wire").memory();
  const given = c.req.query("after");
  const kinds = exporting.sections.map(({ kind }) => kind);
  const cursor = given === undefined ? undefined : parseExportCursor(given, kinds);
  if (given !== undefined && cursor === undefined) {
    throw new AppError("invalid_cursor", "`after` must be what an export gave as `next`.");
  }
  const text = exportUser(exporting, { userId, nowMs: c.get("wire").clock.now(), cursor });
  c.header("Content-Type", "application/json");
  c.header("Content-Disposition", 'attachment; filename="skipstone-export.json"');
  return c.body(streamOf(text));
}

/** Makes the next piece when the one before was taken. */
function streamOf(text: AsyncGenerator<string>): ReadableStream<Uint8Array> {
  const encoder = new TextEncoder();
  return new ReadableStream(
    {
      async pull(controller) {
        const { done, value } = await text.next();
        if (done === true) controller.close();
        else controller.enqueue(encoder.encode(value));
      },
      async cancel() {
        await text.return(undefined);
      },
    },
    { highWaterMark: 0 },
  );
}
