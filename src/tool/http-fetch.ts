import * as z from "zod/mini";
import { limits } from "../core/limits.ts";
import type { Egress } from "./guarded-fetch.ts";
import { defineTool, failed, ok, type ToolContext, type ToolResult } from "./tool.ts";

export interface EgressServices {
  readonly egress: Egress;
}

/** A page or a document of the web, as text. */
export const httpFetch = defineTool({
  name: "http_fetch",
  description:
    "Fetches a page or document of the public web by GET and answers its text: HTML, JSON, XML, plain text and the like, as it is sent. " +
    "A long text is cut and says where to go on: call again with that offset. Cannot log in, send data or reach private networks.",
  input: z.object({
    url: z.string().check(z.minLength(1), z.maxLength(limits.urlCharsMax)),
    offset: z.optional(z.int().check(z.gte(0), z.lte(limits.httpFetchBytesMax))),
  }),
  effect: "read",
  scopes: ["web:read"],
  timeoutMs: 12_000,
  rate: { calls: 30, windowMs: 60_000 },
  concurrency: 4,
  async execute({ services, signal }: ToolContext<EgressServices>, { url, offset = 0 }) {
    const { guardedFetch, readBounded } = await import("./guarded-fetch.ts");
    const fetched = await guardedFetch(services.egress, url, {
      headers: { accept: "text/*, application/json, application/xml;q=0.9, */*;q=0.1", "user-agent": "Skipstone/1" },
      redirectsMax: limits.redirectsMax,
      signal,
    });
    const { response } = fetched;
    const contentType = response.headers.get("Content-Type") ?? "";
    if (response.body !== null && !isText(contentType)) {
      await response.body.cancel();
      return failed(`The host answered ${contentType.slice(0, 80) || "something without a content type"}, not text.`);
    }
    const read = await readBounded(response, limits.httpFetchBytesMax, charsetOf(contentType));
    return part({ url: fetched.url.href, status: response.status, contentType }, read, offset);
  },
});

/** As much of the text from `offset` on as fits into a tool's answer. */
function part(head: object, { text, isCut }: { text: string; isCut: boolean }, offset: number): ToolResult {
  const shown = cutToJsonBytes(text.slice(offset), textBytesMax);
  const end = offset + shown.length;
  const isMore = end < text.length;
  return ok({ ...head, text: shown, ...(isMore ? { nextOffset: end } : {}), ...(isCut && !isMore ? { isCut } : {}) });
}

/** Beside the rest of the answer. */
const textBytesMax = limits.toolOutputBytesMax - 4 * 1024;

/** Never splits a character in two. */
function cutToJsonBytes(text: string, bytesMax: number): string {
  let shown = text.slice(0, bytesMax);
  for (;;) {
    const bytes = new TextEncoder().encode(JSON.stringify(shown)).byteLength;
    if (bytes <= bytesMax) return shown;
    shown = shown.slice(0, Math.floor((shown.length * bytesMax) / bytes));
    if (/[\uD800-\uDBFF]$/.test(shown)) shown = shown.slice(0, -1);
  }
}

const textTypes =
  /^(?:text\/[\w.+-]+|application\/(?:json|xml|javascript|yaml|x-yaml|x-ndjson|ndjson|[\w.-]+\+(?:json|xml|yaml)))$/;

function isText(contentType: string): boolean {
  return textTypes.test(contentType.split(";")[0]!.trim().toLowerCase());
}

function charsetOf(contentType: string): string {
  return /;\s*charset\s*=\s*"?([\w-]+)/i.exec(contentType)?.[1] ?? "utf-8";
}
