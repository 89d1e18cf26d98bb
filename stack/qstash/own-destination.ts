import { networkInterfaces } from "node:os";
import { ApiError } from "./api-error.ts";

/** Where this server listens. */
export interface OwnAddress {
  host: string;
  port: number;
}

/** @throws ApiError 400 when one of the URLs points at this server; what is undefined does not. */
export type RefuseOwn = (...urls: (string | undefined)[]) => void;

/** Others that answer on the same port stand for services elsewhere, and a webhook is there to be called. */
const foreignPaths = ["/v1/", "/redis/", "/restaurant/", "/v2/workflows/hooks/"];

/**
 * A message to QStash itself would make further messages without end. Names that resolve to this machine by DNS are not seen
 * through. Without an address nothing is refused.
 */
export function createRefuseOwn(own: OwnAddress | undefined): RefuseOwn {
  return (...urls) => {
    for (const url of urls) {
      if (own === undefined || url === undefined || !isOwn(new URL(url), own)) continue;
      throw new ApiError(400, `invalid destination url: ${url} points at this server itself`);
    }
  };
}

function isOwn(url: URL, own: OwnAddress): boolean {
  const port = Number(url.port || (url.protocol === "https:" ? 443 : 80));
  if (port !== own.port || !isOwnHost(url.hostname.replace(/^\[|\]$/g, ""), own.host)) return false;
  return !foreignPaths.some((path) => `${url.pathname}/`.startsWith(path));
}

function isOwnHost(hostname: string, ownHost: string): boolean {
  if (hostname === ownHost || /^(?:(?:.+\.)?localhost\.?|127\..*|0\.0\.0\.0|::1?)$/.test(hostname)) return true;
  const listensEverywhere = ownHost === "0.0.0.0" || ownHost === "::";
  const addresses = Object.values(networkInterfaces()).flatMap((interfaces) => interfaces ?? []);
  return listensEverywhere && addresses.some(({ address }) => address === hostname);
}
