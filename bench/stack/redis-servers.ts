/**
 * The process under measurement for Redis: the whole stack, and the least that a Node HTTP server can do to pass a command on,
 * each over an embedded Valkey. Prints `<port of the stack> <port of the shim>`.
 */
import { createServer, type RequestListener } from "node:http";
import type { AddressInfo } from "node:net";
import { openBackend } from "../../stack/redis/backend.ts";
import { StatusReply, type Command, type Reply } from "../../stack/redis/resp.ts";
import { startStack } from "../../stack/start-stack.ts";

const stack = await startStack();
const backend = await openBackend(undefined);

/** No token, no bill, no encodings, no errors: only what no REST proxy can do without. */
const shim: RequestListener = (request, response) => {
  const chunks: Buffer[] = [];
  request.on("data", (chunk: Buffer) => chunks.push(chunk));
  request.on("end", () => {
    const command = (JSON.parse(Buffer.concat(chunks).toString()) as unknown[]).map(String) as unknown as Command;
    void backend.send([command]).then(([reply = null]) => {
      const body = JSON.stringify({ result: plain(reply) });
      response.writeHead(200, { "Content-Type": "application/json", "Content-Length": Buffer.byteLength(body) });
      response.end(body);
    });
  });
};

function plain(reply: Reply): unknown {
  if (Buffer.isBuffer(reply)) return reply.toString();
  if (reply instanceof StatusReply) return reply.text;
  return Array.isArray(reply) ? reply.map(plain) : reply;
}

const server = createServer(shim);
server.listen(0, "127.0.0.1", () => console.log(`${stack.port} ${(server.address() as AddressInfo).port}`));
