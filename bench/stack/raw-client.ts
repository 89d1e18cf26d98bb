/** HTTP over kept-alive sockets with next to no work of its own, so that what is measured is the server. */
import { connect, type Socket } from "node:net";

export interface RawClient {
  /** Sends one request and resolves with the status once the whole answer is there. One at a time. */
  request(bytes: Buffer): Promise<number>;
  close(): void;
}

export function requestBytes(o: {
  method: string;
  path: string;
  headers: Record<string, string>;
  body: string;
}): Buffer {
  const headers = { Host: "127.0.0.1", ...o.headers, "Content-Length": String(Buffer.byteLength(o.body)) };
  const lines = Object.entries(headers).map(([name, value]) => `${name}: ${value}\r\n`);
  return Buffer.from(`${o.method} ${o.path} HTTP/1.1\r\n${lines.join("")}\r\n${o.body}`);
}

export async function openRawClient(port: number): Promise<RawClient> {
  const socket = await dial(port);
  let waiting: { resolve(status: number): void; reject(cause: Error): void } | undefined;
  let received = "";
  socket.on("data", (chunk: Buffer) => {
    received += chunk.toString("latin1");
    if (!isWhole(received)) return;
    const status = Number(received.slice(9, 12));
    received = "";
    waiting?.resolve(status);
  });
  socket.on("close", () => waiting?.reject(new Error("the server closed the connection")));
  return {
    request(bytes) {
      return new Promise((resolve, reject) => {
        waiting = { resolve, reject };
        socket.write(bytes);
      });
    },
    close: () => socket.destroy(),
  };
}

function isWhole(text: string): boolean {
  const headEnd = text.indexOf("\r\n\r\n");
  if (headEnd < 0) return false;
  const [, length] = /content-length: (\d+)/i.exec(text) ?? [];
  if (length === undefined) return text.endsWith("0\r\n\r\n");
  return text.length >= headEnd + 4 + Number(length);
}

function dial(port: number): Promise<Socket> {
  return new Promise((resolve, reject) => {
    const socket = connect({ port, host: "127.0.0.1", noDelay: true }, () => resolve(socket));
    socket.once("error", reject);
  });
}
