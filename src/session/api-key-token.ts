/** The text of an API key: key id, whether it may act for others, user, tenant, secret; in that order, of fixed lengths, signed. */
import { sha256Hex } from "../core/sha256.ts";
import type { Random } from "../core/ports.ts";
import { encodeBase64Url } from "./base64-url.ts";
import { guestTenant } from "./identity.ts";
import { openText, sealText } from "./sealed-text.ts";
import type { Signer } from "./signer.ts";

export interface KeyTokenFields {
  readonly keyId: string;
  readonly isActing: boolean;
  readonly userId: string;
  readonly tenant: string;
}

const prefix = "sk";
const lengths = { keyId: 8, flag: 1, id: 16, secret: 32 };
const headLength = lengths.keyId + lengths.flag + 2 * lengths.id;
/** Base64 characters that the key id fills whole. */
const visibleChars = 10;

export function newKeyId(random: Random): string {
  return `key_${toHex(random.bytes(lengths.keyId))}`;
}

export function isKeyId(text: string): boolean {
  return /^key_[0-9a-f]{16}$/.test(text);
}

/** What is shown of the key for ever: where it begins. */
export function visiblePart(keyId: string): string {
  return `${prefix}_${encodeBase64Url(fromHex(idHex(keyId))).slice(0, visibleChars)}`;
}

export async function issueKeyToken(
  { signer, random }: { readonly signer: Signer; readonly random: Random },
  fields: KeyTokenFields,
): Promise<{ readonly token: string; readonly secretHash: string }> {
  const secret = random.bytes(lengths.secret);
  const tenant = fields.tenant === guestTenant ? new Uint8Array(lengths.id) : fromHex(idHex(fields.tenant));
  const head = [...fromHex(idHex(fields.keyId)), fields.isActing ? 1 : 0, ...fromHex(idHex(fields.userId)), ...tenant];
  const token = await sealText(signer, prefix, new Uint8Array([...head, ...secret]));
  return { token, secretHash: await hashOf(secret) };
}

/** `undefined` for what we did not make. */
export async function readKeyToken(
  signer: Signer,
  token: string,
): Promise<(KeyTokenFields & { readonly secretHash: string }) | undefined> {
  const bytes = await openText(signer, prefix, token, headLength + lengths.secret);
  if (bytes === undefined) return undefined;
  const at = (start: number, length: number): string => toHex(bytes.slice(start, start + length));
  const userAt = lengths.keyId + lengths.flag;
  const tenant = at(userAt + lengths.id, lengths.id);
  return {
    keyId: `key_${at(0, lengths.keyId)}`,
    isActing: bytes[lengths.keyId] === 1,
    userId: `usr_${at(userAt, lengths.id)}`,
    tenant: /^0+$/.test(tenant) ? guestTenant : `tnt_${tenant}`,
    secretHash: await hashOf(bytes.slice(headLength)),
  };
}

export function isKeyToken(text: string): boolean {
  return text.startsWith(`${prefix}_`);
}

function hashOf(secret: Uint8Array): Promise<string> {
  return sha256Hex(encodeBase64Url(secret));
}

function idHex(id: string): string {
  return id.slice(id.indexOf("_") + 1);
}

function toHex(bytes: Uint8Array): string {
  return Array.from(bytes, (byte) => byte.toString(16).padStart(2, "0")).join("");
}

function fromHex(hex: string): Uint8Array {
  return Uint8Array.from(hex.match(/../g) ?? [], (pair) => Number.parseInt(pair, 16));
}
