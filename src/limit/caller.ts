/**
 * Whom a request is counted for.
 *
 * A known user is counted as such, wherever the request comes from. Others are counted by network address: an IPv6
 * customer owns at least a /64, so the lower half of the address does not tell callers apart. Behind Cloudflare an
 * address is always there; a request without one (a local run) gets a bucket of its own, named after its request id, so
 * that it is neither refused nor counted against anybody else.
 */
export function callerBucket(caller: {
  readonly userId: string | undefined;
  /** `CF-Connecting-IP`, which the edge sets and a client cannot. */
  readonly address: string | undefined;
  readonly requestId: string;
}): string {
  if (caller.userId !== undefined) return `{${caller.userId}}`;
  const network = caller.address === undefined ? undefined : networkOf(caller.address);
  return network === undefined ? `{request-${caller.requestId}}` : `{${network}}`;
}

/** The IPv4 address, or the /64 of an IPv6 address; `undefined` for what is neither. */
export function networkOf(address: string): string | undefined {
  const text = address.trim().toLowerCase();
  if (isIpv4(text)) return text;
  const mapped = /^::ffff:(\d+\.\d+\.\d+\.\d+)$/.exec(text)?.[1];
  if (mapped !== undefined) return isIpv4(mapped) ? mapped : undefined;
  return ipv6Network(text.split("%")[0]!);
}

function isIpv4(text: string): boolean {
  const parts = text.split(".");
  return parts.length === 4 && parts.every((part) => /^\d{1,3}$/.test(part) && Number(part) <= 255);
}

const groupsMax = 8;
const networkGroups = 4;

function ipv6Network(text: string): string | undefined {
  const halves = text.split("::");
  if (halves.length > 2 || !text.includes(":")) return undefined;
  const [head, tail] = halves.map((half) => (half === "" ? [] : half.split(":")));
  const given = [...head!, ...(tail ?? [])];
  if (!given.every((group) => /^[0-9a-f]{1,4}$/.test(group))) return undefined;
  const missing = groupsMax - given.length;
  if (tail === undefined ? missing !== 0 : missing < 1) return undefined;
  const groups = tail === undefined ? given : [...head!, ...Array<string>(missing).fill("0"), ...tail];
  const network = groups.slice(0, networkGroups).map((group) => Number.parseInt(group, 16).toString(16));
  return `${network.join(":")}::/64`;
}
