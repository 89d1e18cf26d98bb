/**
 * Where a tool may reach out to: public hosts of the web, and nothing that is near to us.
 *
 * G1 Only http and https, without a user or password in the URL, on a port of the web or above 1023.
 * G2 An address that is written out must be a public one, however it is written: the URL parser has turned decimal, octal, hexadecimal and shortened forms into the
 *    usual one before we look.
 * G3 A name must be one of the public DNS: no single label, none that is reserved for private use, none that is known to stand for a private address.
 * G4 What a name resolves to must be public too, where a resolver is configured.
 *
 * A Worker cannot resolve a name and then connect to what it found: `fetch` resolves again. So between our look and the connection a name may come to stand for another
 * address, and without a resolver nobody looks at all. What remains then is the platform: on Cloudflare a request leaves through its network, from which no
 * private network of ours and no metadata service can be reached. Who runs workerd elsewhere must close the network, too.
 */
import ipaddr from "ipaddr.js";
import { limits } from "../core/limits.ts";
import { NonRetryableError } from "../engine/failures.ts";

/** Ends a call in words: another attempt would be refused, too. */
export class EgressRefused extends NonRetryableError {
  constructor(reason: string) {
    super(reason);
    this.name = "EgressRefused";
  }
}

/**
 * The URL as it may be fetched, by G1 to G3.
 * @param allowedHosts `host` or `host:port`, for which G2 and G3 and the rule on ports do not count.
 * @throws EgressRefused
 */
export function admitUrl(text: string, allowedHosts: ReadonlySet<string>, base?: URL): URL {
  const url = text.length > limits.urlCharsMax ? null : URL.parse(text, base?.href);
  if (url === null) throw new EgressRefused("That is no URL that can be fetched.");
  if (url.protocol !== "http:" && url.protocol !== "https:") {
    throw new EgressRefused("Only http and https URLs can be fetched.");
  }
  if (url.username !== "" || url.password !== "") {
    throw new EgressRefused("A URL with a user or password in it is not fetched.");
  }
  if (allowedHosts.has(url.host) || allowedHosts.has(url.hostname)) return url;
  const port = url.port === "" ? undefined : Number(url.port);
  if (port !== undefined && port < 1024 && port !== 80 && port !== 443) {
    throw new EgressRefused(`Port ${port} is not one of the web.`);
  }
  const problem = problemOfHost(url.hostname);
  if (problem !== undefined) throw new EgressRefused(problem);
  return url;
}

function problemOfHost(hostname: string): string | undefined {
  const address = addressIn(hostname);
  if (address !== undefined) return isPublicAddress(address) ? undefined : notPublic(hostname);
  const name = hostname.toLowerCase().replace(/\.+$/, "");
  if (!name.includes(".")) return `"${name.slice(0, 80)}" is not a name of the public internet.`;
  const isPrivate = [...privateSuffixes, ...knownAliases].some(
    (suffix) => name === suffix || name.endsWith(`.${suffix}`),
  );
  return isPrivate ? `"${name.slice(0, 80)}" is not a name of the public internet.` : undefined;
}

/** Source: RFC 6761, RFC 6762, RFC 8375, ICANN's list of names for private use, and what home and company networks use. */
const privateSuffixes = [
  "localhost",
  "localdomain",
  "local",
  "internal",
  "intranet",
  "private",
  "corp",
  "home",
  "home.arpa",
  "lan",
  "test",
  "invalid",
  "onion",
];

/** Names of the public DNS that answer with whatever address is written in them. What others answer, only a resolver sees. */
const knownAliases = ["nip.io", "sslip.io", "xip.io", "localtest.me", "lvh.me", "vcap.me", "lacolhost.com"];

/** The address that a host of a URL is; `undefined` for a name. */
export function addressIn(hostname: string): string | undefined {
  const bare = hostname.startsWith("[") ? hostname.slice(1, -1) : hostname;
  return ipaddr.IPv4.isValidFourPartDecimal(bare) || ipaddr.IPv6.isValid(bare) ? bare : undefined;
}

/** Whether the address belongs to anybody on the internet. What cannot be read does not. */
export function isPublicAddress(text: string): boolean {
  if (!ipaddr.isValid(text)) return false;
  const address = ipaddr.parse(text);
  if (address.range() !== "unicast") return false;
  // Beside the ranges that have a name, only this part of IPv6 is routed: ::10.0.0.1 and its like are not.
  return address.kind() === "ipv4" || address.match(globalUnicast);
}

const globalUnicast = ipaddr.parseCIDR("2000::/3");

/** By G4. @throws EgressRefused */
export function admitAddresses(hostname: string, addresses: readonly string[]): void {
  if (addresses.length === 0) throw new EgressRefused(`There is no host named "${hostname.slice(0, 80)}".`);
  if (!addresses.every(isPublicAddress)) throw new EgressRefused(notPublic(hostname));
}

function notPublic(hostname: string): string {
  return `"${hostname.slice(0, 80)}" is not a public address.`;
}
