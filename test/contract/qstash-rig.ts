/** A local QStash, the official client and a destination that records what arrives: what every case of qstash-* needs. */
import { createServer, type IncomingHttpHeaders, type Server } from "node:http";
import type { AddressInfo } from "node:net";
import { Client, Receiver } from "@upstash/qstash";
import { onTestFinished } from "vitest";
import { createStackClock, type StackClock } from "../../stack/clock.ts";
import { createFaultBook, type FaultBook } from "../../stack/faults.ts";
import { createLedger, type Ledger } from "../../stack/ledger.ts";
import { createQstashFront } from "../../stack/qstash/qstash-front.ts";
import type { Storage } from "../../stack/storage/collection.ts";

export const qstashToken = "a-token";
export const firstKeys = { current: "sig_current0000000000000000", next: "sig_next00000000000000000" };

export interface Delivery {
  method: string;
  path: string;
  headers: IncomingHttpHeaders;
  body: string;
}

export interface DestinationAnswer {
  status: number;
  headers?: Record<string, string>;
  body?: string;
}

type Answering = (
  delivery: Delivery,
  index: number,
) => DestinationAnswer | undefined | Promise<DestinationAnswer | undefined>;

export interface Destination {
  url: string;
  port: number;
  deliveries: Delivery[];
  /** The answer to the next deliveries; 200 until it is called. Undefined leaves the delivery without an answer. */
  answer(next: Answering): void;
}

export interface QstashRig {
  url: string;
  client: Client;
  receiver: Receiver;
  clock: StackClock;
  faults: FaultBook;
  ledger: Ledger;
  destination: Destination;
  idle(): Promise<void>;
  /** Ends the server in good order, before the test does. */
  close(): Promise<void>;
  /** The API without the SDK, for what the SDK would not send. */
  call(
    method: string,
    path: string,
    o?: { headers?: Record<string, string>; body?: string | Uint8Array<ArrayBuffer> },
  ): Promise<Response>;
}

/** Time stands still unless `time` is "real". Everything but the storage is closed when the test is over. */
export async function startQstash(
  time: "frozen" | "real" = "frozen",
  storage?: Storage,
  options: Partial<Parameters<typeof createQstashFront>[0]> = {},
): Promise<QstashRig> {
  const { token = qstashToken } = options;
  const clock = createStackClock();
  if (time === "frozen") clock.freeze();
  const faults = createFaultBook();
  const ledger = createLedger();
  const front = createQstashFront({
    currentSigningKey: firstKeys.current,
    nextSigningKey: firstKeys.next,
    clock,
    faults,
    ledger,
    ...(storage !== undefined && { storage }),
    ...options,
    token,
  });
  const api = createServer((request, response) => front.handle(request, response));
  const url = `http://127.0.0.1:${await listen(api, "127.0.0.1")}`;
  const destination = await startDestination();
  onTestFinished(async () => {
    await front.close();
    clock.close();
    await closeServer(api);
  });
  return {
    url,
    clock,
    faults,
    ledger,
    destination,
    client: new Client({ baseUrl: url, token, enableTelemetry: false, devMode: false }),
    receiver: new Receiver({ currentSigningKey: firstKeys.current, nextSigningKey: firstKeys.next, devMode: false }),
    idle: () => front.idle(),
    close: () => front.close(),
    call: (method, path, o = {}) =>
      fetch(`${url}${path}`, {
        method,
        headers: { Authorization: `Bearer ${token}`, ...o.headers },
        ...(o.body !== undefined && { body: o.body }),
        redirect: "manual",
      }),
  };
}

export async function startDestination(host = "127.0.0.1"): Promise<Destination> {
  const deliveries: Delivery[] = [];
  let next: Answering = () => ({ status: 200 });
  const server = createServer((request, response) => {
    const chunks: Buffer[] = [];
    request.on("data", (chunk: Buffer) => chunks.push(chunk));
    async function respond(): Promise<void> {
      const delivery = {
        method: request.method ?? "",
        path: request.url ?? "",
        headers: request.headers,
        body: Buffer.concat(chunks).toString("utf8"),
      };
      const answer = await next(delivery, deliveries.push(delivery) - 1);
      if (answer === undefined) return;
      response.writeHead(answer.status, answer.headers);
      response.end(answer.body ?? "");
    }
    request.on("end", () => void respond());
  });
  const port = await listen(server, host);
  onTestFinished(() => closeServer(server));
  return {
    url: `http://127.0.0.1:${port}/hook`,
    port,
    deliveries,
    answer: (answer) => {
      next = answer;
    },
  };
}

export function at<Item>(list: readonly Item[], index: number): Item {
  const item = list[index];
  if (item === undefined) throw new Error(`there is no item ${index} of ${list.length}`);
  return item;
}

function listen(server: Server, host: string): Promise<number> {
  return new Promise((resolve, reject) => {
    server.once("error", reject);
    server.listen(0, host, () => resolve((server.address() as AddressInfo).port));
  });
}

function closeServer(server: Server): Promise<void> {
  return new Promise((resolve) => {
    server.close(() => resolve());
    server.closeAllConnections();
  });
}
