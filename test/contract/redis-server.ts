import { createServer } from "node:http";
import type { AddressInfo } from "node:net";
import { createFaultBook } from "../../stack/faults.ts";
import type { FaultBook } from "../../stack/faults.ts";
import { createLedger } from "../../stack/ledger.ts";
import type { Ledger } from "../../stack/ledger.ts";
import { startRedisFront } from "../../stack/redis/redis-front.ts";

/** Headers as an object, so that they can be added to. */
type PlainRequest = Omit<RequestInit, "headers"> & { headers?: Record<string, string> };

export interface RedisServer {
  url: string;
  token: string;
  readOnlyToken: string;
  faults: FaultBook;
  ledger: Ledger;
  /** Posts a command, with the token. */
  command(...args: unknown[]): Promise<Response>;
  request(path: string, init?: PlainRequest): Promise<Response>;
  close(): Promise<void>;
}

/** The Redis front alone, over an empty database, on a port of its own. */
export async function startRedisServer(): Promise<RedisServer> {
  const faults = createFaultBook();
  const ledger = createLedger();
  const tokens = { token: "test_token", readOnlyToken: "test_read_only_token" };
  const front = await startRedisFront({ ...tokens, faults, ledger });
  const server = createServer(front.handle);
  await new Promise<void>((resolve) => server.listen(0, "127.0.0.1", resolve));
  const url = `http://127.0.0.1:${(server.address() as AddressInfo).port}`;
  const request = (path: string, init: PlainRequest = {}): Promise<Response> =>
    fetch(url + path, { ...init, headers: { Authorization: `Bearer ${tokens.token}`, ...init.headers } });
  return {
    url,
    ...tokens,
    faults,
    ledger,
    request,
    command: (...args) => request("/", { method: "POST", body: JSON.stringify(args) }),
    async close() {
      server.closeAllConnections();
      await new Promise((resolve) => server.close(resolve));
      await front.close();
    },
  };
}
