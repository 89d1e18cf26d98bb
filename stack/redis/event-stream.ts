import type { ServerResponse } from "node:http";
import type { Backend } from "./backend.ts";
import { nameOf } from "./refusals.ts";
import { ErrorReply, StatusReply } from "./resp.ts";
import type { Command, Reply } from "./resp.ts";

/** A reader that is this far behind is cut off; what it missed is gone, as with Redis itself. */
const UNREAD_BYTES_MAX = 8 * 1024 * 1024;

/** Undefined when it can be streamed; checked before the headers go out, after which there is no place for an error. */
export function streamRefusal(command: Command, accept: string | undefined): ErrorReply | undefined {
  const name = nameOf(command);
  if (accept?.includes("text/event-stream") !== true) {
    return new ErrorReply(`ERR ${name} needs the header Accept: text/event-stream`);
  }
  const isComplete =
    name === "MONITOR" || (command.length > 1 && command.slice(1).every((channel) => channel.length > 0));
  return isComplete ? undefined : new ErrorReply(`ERR wrong number of arguments for '${name.toLowerCase()}' command`);
}

/**
 * Sends each reply of SUBSCRIBE, PSUBSCRIBE or MONITOR as one event, over a Redis connection of its own, until either side leaves.
 * The headers go out before Redis has answered, because the SDK resolves on them; the line about the subscription only after it.
 * `bytesMax` cuts the stream, as a fault.
 */
export async function streamEvents(
  backend: Backend,
  command: Command,
  response: ServerResponse,
  bytesMax = Number.POSITIVE_INFINITY,
): Promise<void> {
  response.writeHead(200, {
    "Content-Type": "text/event-stream",
    "Cache-Control": "no-cache",
    Connection: "keep-alive",
    "X-Accel-Buffering": "no",
  });
  response.flushHeaders();
  const connection = await backend.dedicated();
  if (response.destroyed) return connection.close();
  response.on("close", () => connection.close());
  let bytesLeft = bytesMax;
  connection.stream(
    command,
    (reply) => {
      if (reply instanceof ErrorReply || response.writableLength > UNREAD_BYTES_MAX) return void response.destroy();
      const bytes = Buffer.from(`data: ${eventText(reply)}\n\n`);
      const sent = bytes.subarray(0, bytesLeft);
      bytesLeft -= sent.length;
      response.write(sent, () => {
        if (bytesLeft <= 0) response.destroy();
      });
    },
    () => response.end(),
  );
}

/** `message,<channel>,<payload>`. An event is one line, so a line break in a payload becomes a space; in JSON that changes nothing. */
function eventText(reply: Reply): string {
  if (reply instanceof StatusReply) return reply.text === "OK" ? '"OK"' : reply.text;
  const items = Array.isArray(reply) ? reply : [reply];
  return items
    .map(String)
    .join(",")
    .replaceAll(/\r\n|\r|\n/g, " ");
}
