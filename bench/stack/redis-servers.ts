/**
 * The process under measurement for Redis: the stack's REST front, and the least that a Node HTTP server can do to pass a
 * command on, each over an embedded Valkey. Prints `<port of the front> <port of the shim>`.
 */
import { createServer, type RequestListener } from "node:http";
import type { AddressInfo } from "node:net";
import { openBackend } from "../../stack/redis/backend.ts";
import { createFaultBook } from "../../stack/faults.ts";
import { createLedger } from "../../stack/ledger.ts";
import { startRedisFront } from "../../stack/redis/redis-front.ts";
import { StatusReply, type Command, type Reply } from "../../stack/redis/resp.ts";

const front = await startRedisFront({ token: "bench", faults: createFaultBook(), ledger: createLedger() });
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

function listen(listener: RequestListener): Promise<number> {
  return new Promise((resolve) => {
    const server = createServer(listener);
    server.listen(0, "127.0.0.1", () => resolve((server.address() as AddressInfo).port));
  });
}

console.log(`${await listen(front.handle)} ${await listen(shim)}`);
