/**
 * The last requests to the stack's servers and the deliveries that it made, for whoever wants to look.
 *
 * Keeping them is cheap: the beginnings of bodies are copied, everything else waits until somebody asks. Nothing here is
 * kept over a restart.
 */
import type { FaultServer } from "./faults.ts";
import { bodyText, noBody, type BodyStart } from "./body-start.ts";
import { withoutSecretHeaders, withoutSecretQuery, withoutSecrets } from "./secrets.ts";

/** The stack's servers, and its deliveries. */
export type TrafficServer = FaultServer;

/** One request and its answer. The later fields are set when the answer is over. */
export interface Exchange {
  server: TrafficServer;
  /** Unix ms of the stack's clock. */
  atMs: number;
  method: string;
  /** The path and query, or the whole URL of a delivery. */
  url: string;
  /** Name, value, name, value, as they came. */
  rawHeaders: readonly string[];
  request: BodyStart;
  response: BodyStart;
  /** 0 while the answer is not over, and when there was none. */
  status: number;
  durationMs?: number;
  /** Why there was no answer, or not all of it. */
  error?: string;
}

/** An exchange as it is shown, with its secrets replaced. */
export interface TrafficEntry {
  /** Counts from 1. */
  number: number;
  server: TrafficServer;
  atMs: number;
  /** Of real time; absent while it goes on. */
  durationMs?: number;
  method: string;
  url: string;
  status: number;
  error?: string;
  requestHeaders: Record<string, string>;
  requestBody: string;
  requestBytes: number;
  responseBody: string;
  responseBytes: number;
}

export interface Traffic {
  /** Adds an exchange that has just begun; the caller fills it in as it goes on. */
  begin(exchange: Pick<Exchange, "server" | "atMs" | "method" | "url" | "rawHeaders">): Exchange;
  /** The newest first. */
  list(o?: { server?: TrafficServer; limit?: number }): TrafficEntry[];
  clear(): void;
}

export const trafficCountMax = 500;

export function createTraffic(): Traffic {
  let exchanges: Exchange[] = [];
  let begun = 0;
  return {
    begin(beginning) {
      const exchange = { ...beginning, request: noBody, response: noBody, status: 0 };
      exchanges.push(exchange);
      begun += 1;
      // Rarely and in one go: dropping one each time would move all the others.
      if (exchanges.length >= trafficCountMax * 2) exchanges = exchanges.slice(-trafficCountMax);
      return exchange;
    },
    list({ server, limit = trafficCountMax } = {}) {
      const firstNumber = begun - exchanges.length + 1;
      return exchanges
        .map((exchange, index) => ({ exchange, number: firstNumber + index }))
        .slice(-trafficCountMax)
        .filter(({ exchange }) => server === undefined || exchange.server === server)
        .toReversed()
        .slice(0, limit)
        .map(({ exchange, number }) => shown(exchange, number));
    },
    clear() {
      exchanges = [];
      begun = 0;
    },
  };
}

function shown(exchange: Exchange, number: number): TrafficEntry {
  const { server, atMs, durationMs, method, status, error } = exchange;
  return {
    number,
    server,
    atMs,
    ...(durationMs !== undefined && { durationMs: Math.round(durationMs * 100) / 100 }),
    method,
    url: withoutSecretQuery(exchange.url),
    status,
    ...(error !== undefined && { error }),
    requestHeaders: withoutSecretHeaders(headersOf(exchange.rawHeaders)),
    requestBody: withoutSecrets(bodyText(exchange.request)),
    requestBytes: exchange.request.bytes,
    responseBody: withoutSecrets(bodyText(exchange.response)),
    responseBytes: exchange.response.bytes,
  };
}

function headersOf(raw: readonly string[]): Record<string, string> {
  const headers: Record<string, string> = {};
  for (let index = 0; index + 1 < raw.length; index += 2) {
    const name = (raw[index] ?? "").toLowerCase();
    const value = raw[index + 1] ?? "";
    headers[name] = name in headers ? `${headers[name]}, ${value}` : value;
  }
  return headers;
}
