import * as z from "zod/mini";
import { empty, json, room } from "./describe.ts";
import { named } from "./schemas.ts";

const Message = named(
  "JsonRpcMessage",
  z.looseObject({ jsonrpc: z.literal("2.0"), id: z.exactOptional(z.union([z.string(), z.number(), z.null()])) }),
);

export const mcpApi = room("MCP", "The tools for agents of others: the Model Context Protocol over streamable HTTP.", {
  "POST /api/mcp": {
    summary: "Send a message of MCP",
    detail:
      "There are no sessions, so GET and DELETE are 405; answers are JSON. One message in each request: a batch is 400, also under version 2025-03-26 of the protocol, the only one that has them. Tools that always need a person's word are not listed. A call that names itself in `_meta` as `skipstone/idempotency-key` acts once, however often it is sent.",
    access: "session",
    body: Message,
    answers: {
      200: json("The answer.", Message),
      202: empty("A notification was taken."),
      400: json("No message of MCP, a batch of them, or a version that is not known here.", Message),
      406: json("The client does not accept both JSON and event streams.", Message),
      415: json("The body is not JSON.", Message),
    },
  },
});
