import { decodeBase64, encodeBase64 } from "../core/base64.ts";

/** Base64 with the URL alphabet and without padding (RFC 4648 §5), which a cookie and a path both carry unescaped. */
export function encodeBase64Url(bytes: Uint8Array): string {
  return encodeBase64(bytes).replaceAll("+", "-").replaceAll("/", "_").replaceAll("=", "");
}

/** The bytes, or `undefined` when `text` is not what `encodeBase64Url` makes. */
export function decodeBase64Url(text: string): Uint8Array<ArrayBuffer> | undefined {
  if (!/^[A-Za-z0-9_-]*$/.test(text) || text.length % 4 === 1) return undefined;
  const bytes = decodeBase64(text.replaceAll("-", "+").replaceAll("_", "/"));
  // Other spellings of the same bytes (stray bits at the end) are refused: one session, one token.
  return bytes !== undefined && encodeBase64Url(bytes) === text ? bytes : undefined;
}
