/**
 * `fetch` for tools: each hop is judged before it is made, redirects included, and an answer is read no further than its limit.
 * What it does not do: follow a redirect with anything but GET, send a cookie, or send a header of ours to another host.
 */
import { AppError } from "../core/errors.ts";
import { addressIn, admitAddresses, admitUrl, EgressRefused } from "./egress.ts";

export interface Egress {
  /** Counted. */
  readonly fetch: (url: string, init: RequestInit) => Promise<Response>;
  /** Addresses of a name, none for a name that is not there; absent where no resolver is configured. */
  readonly resolve: ((hostname: string, signal: AbortSignal) => Promise<readonly string[]>) | undefined;
  /** `host` or `host:port` that the operator lets tools reach though they are not public. */
  readonly allowedHosts: ReadonlySet<string>;
}

export interface GuardedRequest {
  readonly method?: "GET" | "POST" | "DELETE";
  readonly headers?: HeadersInit;
  readonly body?: BodyInit | null;
  readonly signal: AbortSignal;
  /** 0: a redirect is an answer like any other. */
  readonly redirectsMax: number;
}

export interface GuardedResponse {
  readonly response: Response;
  /** Of the last hop. */
  readonly url: URL;
}

const redirectStatuses = new Set([301, 302, 303, 307, 308]);

/**
 * Each hop costs a subrequest, and the first one to a host two more where names are resolved.
 * @throws EgressRefused in words, partner_unavailable (retry) when the host does not answer.
 */
export async function guardedFetch(egress: Egress, start: string, request: GuardedRequest): Promise<GuardedResponse> {
  const { method = "GET", headers, body, signal, redirectsMax } = request;
  let url = admitUrl(start, egress.allowedHosts);
  for (let redirects = 0; ; redirects += 1) {
    await admitName(egress, url, signal);
    const init = { method, redirect: "manual", signal, headers: headers ?? {}, ...(body ? { body } : {}) } as const;
    const response = await send(egress, url, init);
    const location = redirectStatuses.has(response.status) ? response.headers.get("Location") : null;
    if (location === null || redirectsMax === 0) return { response, url };
    await response.body?.cancel();
    if (redirects >= redirectsMax) throw new EgressRefused(`The host redirects more than ${redirectsMax} times.`);
    url = nextHop(egress, url, location);
  }
}

function nextHop({ allowedHosts }: Egress, from: URL, location: string): URL {
  const to = admitUrl(location, allowedHosts, from);
  if (from.protocol === "https:" && to.protocol === "http:") {
    throw new EgressRefused("A redirect from https to http is not followed.");
  }
  return to;
}

async function admitName({ resolve, allowedHosts }: Egress, url: URL, signal: AbortSignal): Promise<void> {
  const { hostname, host } = url;
  const isKnown = allowedHosts.has(host) || allowedHosts.has(hostname) || addressIn(hostname) !== undefined;
  if (isKnown || resolve === undefined) return;
  admitAddresses(hostname, await resolve(hostname, signal));
}

async function send({ fetch }: Egress, url: URL, init: RequestInit): Promise<Response> {
  try {
    return await fetch(url.href, init);
  } catch (cause) {
    throw new AppError("partner_unavailable", "the host did not answer", { cause });
  }
}

export interface BoundedText {
  readonly text: string;
  /** Whether there was more. */
  readonly isCut: boolean;
}

/** Reads at most `bytesMax` of a body, as it is after decompression, and lets go of the rest. @throws partner_unavailable (retry) when it breaks off. */
export async function readBounded(response: Response, bytesMax: number, encoding = "utf-8"): Promise<BoundedText> {
  const decoder = decoderFor(encoding);
  const reader = response.body?.getReader();
  let text = "";
  let bytes = 0;
  try {
    for (;;) {
      const { done, value } = (await reader?.read()) ?? { done: true, value: undefined };
      if (done || value === undefined) return { text: text + decoder.decode(), isCut: false };
      const chunk = value.subarray(0, bytesMax - bytes);
      bytes += chunk.byteLength;
      text += decoder.decode(chunk, { stream: true });
      if (chunk.byteLength < value.byteLength) return { text, isCut: true };
    }
  } catch (cause) {
    throw new AppError("partner_unavailable", "the host's answer broke off", { cause });
  } finally {
    await reader?.cancel().catch(() => undefined);
  }
}

function decoderFor(encoding: string): TextDecoder {
  try {
    return new TextDecoder(encoding);
  } catch {
    return new TextDecoder();
  }
}
