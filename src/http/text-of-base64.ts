import { decodeBase64 } from "../core/base64.ts";

/** The text that QStash sends in base64; empty for what cannot be read. */
export function textOfBase64(base64 = ""): string {
  return new TextDecoder().decode(decodeBase64(base64));
}
