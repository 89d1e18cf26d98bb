/**
 * Bytes as one word that only we can make: `<prefix>_<base64url of the bytes and their signature>`. The prefix says what it is, to people
 * and to those who search for lost secrets, and is signed with the rest.
 */
import { decodeBase64Url, encodeBase64Url } from "./base64-url.ts";
import type { Signer } from "./signer.ts";

const signatureBytes = 32;

export async function sealText(signer: Signer, prefix: string, bytes: Uint8Array): Promise<string> {
  const signature = await signer.sign(`${prefix}_${encodeBase64Url(bytes)}`);
  return `${prefix}_${encodeBase64Url(new Uint8Array([...bytes, ...signature]))}`;
}

/** The bytes, `undefined` for what we did not make. */
export async function openText(
  signer: Signer,
  prefix: string,
  text: string,
  length: number,
): Promise<Uint8Array | undefined> {
  if (!text.startsWith(`${prefix}_`) || text.length > 2 * (length + signatureBytes)) return undefined;
  const all = decodeBase64Url(text.slice(prefix.length + 1));
  if (all?.length !== length + signatureBytes) return undefined;
  const bytes = all.slice(0, length);
  return (await signer.verify(`${prefix}_${encodeBase64Url(bytes)}`, all.slice(length))) ? bytes : undefined;
}
