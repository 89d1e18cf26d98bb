/** One HTTP request to a destination. It decides nothing: what the outcome means is the dispatcher's business. */
import { lookup } from "node:dns";
import { request as httpRequest, type IncomingHttpHeaders } from "node:http";
import { request as httpsRequest } from "node:https";
import type { LookupFunction } from "node:net";
import { canonicalHeaderName } from "./header-names.ts";
import { responseBytesMax } from "./limits.ts";
import type { HeaderLists, Message, Outcome } from "./message.ts";
import { signDelivery } from "./signature.ts";

/**
 * Sends the message once, freshly signed, on a connection of its own: a kept-alive socket that a development server has
 * just closed would fail a delivery that is in order. Redirects are answers and not followed.
 * Never rejects: no connection, an aborted `signal` (a timeout) and a broken response are outcomes of status 0.
 */
export function deliver(o: { message: Message; signingKey: string; signal: AbortSignal }): Promise<Outcome> {
  return new Promise((resolve) => {
    const fail = (error: unknown) => resolve(noResponse(error instanceof Error ? error.message : String(error)));
    try {
      const url = new URL(o.message.url);
      const send = url.protocol === "https:" ? httpsRequest : httpRequest;
      const request = send(url, {
        method: o.message.method,
        headers: deliveryHeaders(o.message, o.signingKey),
        agent: false,
        signal: o.signal,
        ...(isLocalhost(url.hostname) && { lookup: lookupBothFamilies }),
      });
      request.on("error", fail);
      // A response that is cut, or that asks for another protocol, may end without an error.
      request.on("close", () => fail("the connection closed before the end of the response"));
      request.on("response", (response) => {
        const chunks: Buffer[] = [];
        let bytes = 0;
        response.on("data", (chunk: Buffer) => {
          if (bytes < responseBytesMax) chunks.push(chunk.subarray(0, responseBytesMax - bytes));
          bytes += chunk.length;
        });
        response.on("error", fail);
        response.on("end", () => {
          const header = headerLists(response.headers);
          resolve({ status: response.statusCode ?? 0, header, body: Buffer.concat(chunks) });
        });
      });
      request.end(o.message.body);
    } catch (error) {
      fail(error);
    }
  });
}

/** The outcome when nothing was answered; its body is the reason, as callbacks show it. */
export function noResponse(reason: string): Outcome {
  return { status: 0, header: {}, body: Buffer.from(reason), error: reason };
}

function deliveryHeaders(message: Message, signingKey: string): Record<string, string | string[]> {
  return {
    ...message.header,
    ...(message.body.length > 0 && { "Content-Length": String(message.body.length) }),
    "User-Agent": "Upstash-QStash",
    "Upstash-Message-Id": message.messageId,
    "Upstash-Retried": String(message.retried),
    "Upstash-Caller-Ip": message.callerIp,
    "Upstash-Signature": signDelivery({ url: message.url, body: message.body, signingKey, issuedAtMs: Date.now() }),
    ...(message.topicName !== undefined && { "Upstash-Topic-Name": message.topicName }),
    ...(message.scheduleId !== undefined && { "Upstash-Schedule-Id": message.scheduleId }),
  };
}

function isLocalhost(hostname: string): boolean {
  return hostname === "localhost" || hostname.endsWith(".localhost");
}

/** A server on `localhost` may listen on 127.0.0.1 or on ::1, whatever the hosts file says; Node tries both. */
const lookupBothFamilies: LookupFunction = (hostname, options, callback) => {
  if (!options.all) return lookup(hostname, options, callback);
  callback(null, [
    { address: "127.0.0.1", family: 4 },
    { address: "::1", family: 6 },
  ]);
};

function headerLists(headers: IncomingHttpHeaders): HeaderLists {
  const lists: HeaderLists = {};
  for (const [name, value] of Object.entries(headers)) {
    if (value !== undefined) lists[canonicalHeaderName(name)] = Array.isArray(value) ? value : [value];
  }
  return lists;
}
