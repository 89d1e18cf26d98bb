import { createServer } from "node:net";
import type { AddressInfo, Server, Socket } from "node:net";
import { afterAll, beforeAll, describe, expect, it } from "vitest";
import { openBackend } from "../../stack/redis/backend.ts";
import { startEmbeddedValkey } from "../../stack/redis/embedded-valkey.ts";
import type { EmbeddedValkey } from "../../stack/redis/embedded-valkey.ts";
import { ErrorReply, StatusReply } from "../../stack/redis/resp.ts";

let valkey: EmbeddedValkey;
let server: Server;
let redisUrl: string;
const sockets = new Set<Socket>();

/** A Redis on a TCP port: the embedded one behind a socket. */
beforeAll(async () => {
  valkey = await startEmbeddedValkey();
  server = createServer((socket) => {
    sockets.add(socket);
    socket.on("error", () => socket.destroy());
    const wire = valkey.dial({ bytes: (chunk) => void socket.write(chunk), closed: () => socket.destroy() });
    socket.on("data", (chunk) => void wire.then((link) => link.write(chunk)));
    socket.on("close", () => void wire.then((link) => link.close()));
  });
  await new Promise<void>((resolve) => server.listen(0, "127.0.0.1", resolve));
  redisUrl = `redis://127.0.0.1:${(server.address() as AddressInfo).port}`;
});
afterAll(() => {
  for (const socket of sockets) socket.destroy();
  server.close();
  valkey.close();
});

describe("a Redis that is reached by URL", () => {
  it("runs commands, long values and transactions", async () => {
    const backend = await openBackend(redisUrl);
    const value = "x".repeat(3_000_000);
    expect(await backend.send([["SET", "k", value]])).toEqual([new StatusReply("OK")]);
    expect(String((await backend.send([["GET", "k"]]))[0])).toBe(value);
    expect(
      await backend.transact([
        ["SET", "n", "1"],
        ["INCR", "n"],
      ]),
    ).toEqual([new StatusReply("OK"), 2]);
    expect(await backend.transact([["SET", "n"]])).toBeInstanceOf(ErrorReply);
    await backend.close();
  });

  it("is dialled again after a connection broke, and what was under way then is not repeated", async () => {
    const backend = await openBackend(redisUrl);
    await backend.send([["SET", "count", "0"]]);
    const underWay = backend.send([["INCR", "count"]]);
    for (const socket of sockets) socket.destroy();
    await expect(underWay).rejects.toThrow();
    const [count] = await backend.send([["GET", "count"]]);
    expect(["0", "1"]).toContain(String(count));
    await backend.close();
  });

  it("says which database and password it was given", async () => {
    const withDatabase = await openBackend(`${redisUrl}/1`);
    await withDatabase.send([["SET", "only-here", "x"]]);
    const plain = await openBackend(redisUrl);
    expect(await plain.send([["EXISTS", "only-here"]])).toEqual([0]);
    await expect(openBackend(redisUrl.replace("redis://", "redis://ada:secret@"))).rejects.toThrow("refused");
    await withDatabase.close();
    await plain.close();
  });

  it("is an error at once when nobody listens there", async () => {
    await expect(openBackend("redis://127.0.0.1:1")).rejects.toThrow("ECONNREFUSED");
  });
});
