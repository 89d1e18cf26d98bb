import { connect as connectTcp } from "node:net";
import { connect as connectTls } from "node:tls";
import type { Command } from "./resp.ts";
import type { Dial } from "./wire.ts";

const CONNECT_MS_MAX = 5_000;

/** Dials a Redis elsewhere. `rediss:` means TLS. */
export function tcpDial(redisUrl: URL): Dial {
  const host = redisUrl.hostname.replace(/^\[|\]$/g, "");
  const port = Number(redisUrl.port || "6379");
  return (events) =>
    new Promise((resolve, reject) => {
      const socket =
        redisUrl.protocol === "rediss:" ? connectTls({ host, port, servername: host }) : connectTcp({ host, port });
      socket.setNoDelay(true);
      socket.setTimeout(CONNECT_MS_MAX, () =>
        socket.destroy(new Error(`no connection to ${host}:${port} in ${CONNECT_MS_MAX} ms`)),
      );
      let cause = new Error(`${host}:${port} closed the connection`);
      let isOpen = false;
      socket.on("error", (error) => (cause = error));
      socket.on("close", () => {
        reject(cause);
        if (isOpen) events.closed(cause);
      });
      socket.on("data", (chunk: Buffer) => events.bytes(chunk));
      socket.once(redisUrl.protocol === "rediss:" ? "secureConnect" : "connect", () => {
        socket.setTimeout(0);
        isOpen = true;
        resolve({
          write: (bytes) => void socket.write(bytes),
          close() {
            isOpen = false;
            socket.destroy();
          },
        });
      });
    });
}

/** What each new connection has to say first: user, password and database of the URL. */
export function greetingOf(redisUrl: URL): Command[] {
  const greeting: Command[] = [];
  const password = decodeURIComponent(redisUrl.password);
  const user = decodeURIComponent(redisUrl.username);
  if (password !== "") greeting.push(user === "" ? ["AUTH", password] : ["AUTH", user, password]);
  const database = redisUrl.pathname.slice(1);
  if (database !== "") greeting.push(["SELECT", database]);
  return greeting;
}
