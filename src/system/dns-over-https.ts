/** Names resolved over HTTPS, in the JSON form that public resolvers share. Source: RFC 8484's JSON companion, `application/dns-json`. */
import * as z from "zod/mini";
import { AppError } from "../core/errors.ts";

const Answer = z.object({
  Status: z.int(),
  Answer: z.optional(z.array(z.object({ type: z.int(), data: z.string() }))),
});

/** Types of records: A and AAAA. Others, such as CNAME, stand in an answer beside them. */
const addressTypes = { A: 1, AAAA: 28 } as const;
const nameError = 3;

export interface DnsOverHttpsOptions {
  /** For example https://cloudflare-dns.com/dns-query. */
  readonly url: string;
  readonly fetch: (url: string, init: RequestInit) => Promise<Response>;
}

/** Two requests for each name. @throws partner_unavailable (retry): a name that cannot be looked up counts as one that must not be reached. */
export function dnsOverHttps({ url, fetch: send }: DnsOverHttpsOptions) {
  async function ask(hostname: string, type: keyof typeof addressTypes, signal: AbortSignal): Promise<string[]> {
    const query = new URLSearchParams({ name: hostname, type });
    try {
      const response = await send(`${url}?${query.toString()}`, {
        signal,
        headers: { accept: "application/dns-json" },
      });
      if (!response.ok) throw new Error(`the resolver answered with status ${response.status}`);
      const { Status, Answer: records = [] } = z.parse(Answer, await response.json());
      if (Status !== 0 && Status !== nameError) throw new Error(`the resolver answered with code ${Status}`);
      return records.filter((record) => record.type === addressTypes[type]).map(({ data }) => data);
    } catch (cause) {
      throw new AppError("partner_unavailable", "a name could not be resolved", { cause });
    }
  }

  /** Kept as long as this resolver, which is an invocation: who asks one host five times looks it up once. */
  const known = new Map<string, readonly string[]>();

  return async (hostname: string, signal: AbortSignal): Promise<readonly string[]> => {
    const before = known.get(hostname);
    if (before !== undefined) return before;
    const found = (await Promise.all([ask(hostname, "A", signal), ask(hostname, "AAAA", signal)])).flat();
    known.set(hostname, found);
    return found;
  };
}
