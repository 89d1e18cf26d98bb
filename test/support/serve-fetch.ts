import { createServer, type IncomingMessage, type ServerResponse } from "node:http";
import type { AddressInfo } from "node:net";
import { Readable } from "node:stream";

export interface ServedFetch {
  /** `http://127.0.0.1:<port>` */
  readonly url: string;
  close(): Promise<void>;
}

/** A real HTTP server in front of a fetch handler: for those who reach the app by its address. The request aborts when its sender leaves. */
export async function serveFetch(handle: (request: Request) => Promise<Response>): Promise<ServedFetch> {
  let url = "";
  const server = createServer((req, res) => {
    handle(toRequest(url, req, res))
      .then((response) => sendResponse(response, res))
      .catch(() => res.destroy());
  });
  await new Promise<void>((resolve) => server.listen(0, "127.0.0.1", resolve));
  url = `http://127.0.0.1:${(server.address() as AddressInfo).port}`;
  return {
    url,
    close: () =>
      new Promise((resolve) => {
        server.close(() => resolve());
        server.closeAllConnections();
      }),
  };
}

function toRequest(url: string, req: IncomingMessage, res: ServerResponse): Request {
  const left = new AbortController();
  res.once("close", () => left.abort());
  const hasBody = req.method !== "GET" && req.method !== "HEAD";
  const headers = Object.entries(req.headers).flatMap(([name, value]) =>
    [value ?? []].flat().map((one): [string, string] => [name, one]),
  );
  return new Request(new URL(req.url ?? "/", url), {
    method: req.method ?? "GET",
    headers,
    signal: left.signal,
    ...(hasBody ? { body: Readable.toWeb(req), duplex: "half" } : {}),
  } as RequestInit);
}

async function sendResponse(response: Response, res: ServerResponse): Promise<void> {
  res.writeHead(response.status, Object.fromEntries(response.headers));
  if (response.body === null) return void res.end();
  for await (const chunk of response.body) res.write(chunk);
  res.end();
}
