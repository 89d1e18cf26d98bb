import { createServer } from "node:net";
import type { AddressInfo } from "node:net";
import { PortTakenError } from "./port-taken.ts";

/**
 * A port that is free at this moment: `port` itself, or any for 0. Nothing reserves it, so use it at once.
 * @throws PortTakenError when `port` is taken.
 */
export function freePort(port: number, host = "127.0.0.1"): Promise<number> {
  return new Promise((resolve, reject) => {
    const probe = createServer();
    probe.once("error", (cause: NodeJS.ErrnoException) => {
      reject(cause.code === "EADDRINUSE" ? new PortTakenError(port) : cause);
    });
    probe.listen(port, host, () => {
      const found = (probe.address() as AddressInfo).port;
      probe.close(() => resolve(found));
    });
  });
}
