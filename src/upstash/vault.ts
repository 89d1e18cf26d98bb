/**
 * Encryption at rest: texts are sealed just before they leave for Redis and opened as they return.
 *
 * AES-256-GCM by WebCrypto. A sealed text is `~1.<key id>.<base64 of nonce, ciphertext and tag>`.
 *
 * V1 A text is bound to its place: copied to another key, field or channel it does not open.
 * V2 The first key seals, every key opens: so keys are rotated without a pause, and a key may go once nothing of it is left.
 * V3 A text that cannot be opened is a failure that parks, never an absent value and never the ciphertext.
 * V4 Whatever a user writes comes back as it was: a text in clear that begins like a sealed one is marked as clear. Half of a surrogate pair is no text; where JSON is read
 *    (`core/foreign-json.ts`) U+FFFD stands in its place, and what a cut of ours leaves of a pair becomes that here.
 */
import { decodeBase64, encodeBase64 } from "../core/base64.ts";
import { AppError } from "../core/errors.ts";
import { invariant, type Random } from "../core/ports.ts";
import type { Secret } from "../core/secret.ts";

export interface VaultKey {
  /** 1 to 16 of `A-Z a-z 0-9 _ -`; stands in clear before each text that it sealed. */
  readonly id: string;
  /** Base64 of 32 bytes. */
  readonly key: Secret;
}

export interface VaultOptions {
  /** The first one seals. None: texts stay in clear. */
  readonly keys: readonly VaultKey[];
  /** What becomes of texts in clear that stood there before: they are read, or they are a failure. */
  readonly clear: "read" | "refuse";
  readonly random: Random;
}

export interface Vault {
  /** @param place the Redis key, with the field where there is one; see `placeOf`. */
  seal(text: string, place: string): Promise<string>;
  /** Seals so that the same text at the same place becomes the same sealed text: scripts recognise by it what they have already. */
  sealAlike(text: string, place: string): Promise<string>;
  /** @throws sealed_unreadable (park) */
  open(text: string, place: string): Promise<string>;
}

export function placeOf(key: string, field?: string): string {
  return field === undefined ? key : `${key}\u0000${field}`;
}

export function isSealed(text: string): boolean {
  return text.startsWith(sealedPrefix);
}

const nonceBytes = 12;
const tagBytes = 16;
const sealedPrefix = "~1.";
const clearPrefix = "~0.";
const utf8 = new TextEncoder();
const utf8Strict = new TextDecoder("utf-8", { fatal: true, ignoreBOM: true });

export function createVault({ keys, clear, random }: VaultOptions): Vault {
  const byId = new Map(keys.map(({ id, key }) => [id, lazyKeys(key)]));
  const writing = keys[0];

  async function sealWith(text: string, place: string, isAlike: boolean): Promise<string> {
    invariant(writing !== undefined, "only a vault with a key seals");
    const { cipher, namer } = await byId.get(writing.id)!();
    const nonce = isAlike ? await nameOf(namer, text, place) : random.bytes(nonceBytes);
    const sealed = await crypto.subtle.encrypt(algorithm(nonce, writing.id, place), cipher, utf8.encode(text));
    const bytes = new Uint8Array(nonceBytes + sealed.byteLength);
    bytes.set(nonce);
    bytes.set(new Uint8Array(sealed), nonceBytes);
    return `${sealedPrefix}${writing.id}.${encodeBase64(bytes)}`;
  }

  async function openSealed(text: string, place: string): Promise<string> {
    const idEnd = text.indexOf(".", sealedPrefix.length);
    const id = text.slice(sealedPrefix.length, idEnd);
    const bytes = idEnd < 0 ? undefined : decodeBase64(text.slice(idEnd + 1));
    if (bytes === undefined || bytes.byteLength < nonceBytes + tagBytes) throw unreadable("it is cut off or damaged");
    const keysOf = byId.get(id);
    if (keysOf === undefined) throw unreadable(`its key "${id.slice(0, 16)}" is not in ENCRYPTION_KEYS`);
    const { cipher } = await keysOf();
    try {
      const nonce = bytes.subarray(0, nonceBytes);
      const opened = await crypto.subtle.decrypt(algorithm(nonce, id, place), cipher, bytes.subarray(nonceBytes));
      return utf8Strict.decode(opened);
    } catch {
      // WebCrypto says no more than that; the cause would add nothing.
      throw unreadable("it was changed, or moved here from another place");
    }
  }

  async function seal(text: string, place: string, isAlike: boolean): Promise<string> {
    if (writing !== undefined) return sealWith(text, place, isAlike);
    return text.startsWith("~") ? `${clearPrefix}${text}` : text;
  }

  return {
    seal: (text, place) => seal(text, place, false),
    sealAlike: (text, place) => seal(text, place, true),
    async open(text, place) {
      if (isSealed(text)) return openSealed(text, place);
      if (clear === "refuse" && writing !== undefined)
        throw unreadable("it is in clear, which ENCRYPTION_CLEAR refuses");
      return text.startsWith(clearPrefix) ? text.slice(clearPrefix.length) : text;
    },
  };
}

interface ImportedKeys {
  readonly cipher: CryptoKey;
  /** Names texts, for those that are sealed alike. */
  readonly namer: CryptoKey;
}

/** Imported at first use, then kept: the key itself, not its promise, which would belong to the request that made it. */
function lazyKeys(key: Secret): () => Promise<ImportedKeys> {
  let imported: ImportedKeys | undefined;
  return async () => (imported ??= await importKeys(key));
}

/** Two keys for two uses, derived from the one that is configured. */
async function importKeys(key: Secret): Promise<ImportedKeys> {
  const bytes = decodeBase64(key.reveal());
  invariant(bytes?.byteLength === 32, "an encryption key has 32 bytes");
  const root = await crypto.subtle.importKey("raw", bytes, "HKDF", false, ["deriveKey"]);
  const by = (use: string) => ({
    name: "HKDF",
    hash: "SHA-256",
    salt: new Uint8Array(),
    info: utf8.encode(`skipstone ${use}`),
  });
  const [cipher, namer] = await Promise.all([
    crypto.subtle.deriveKey(by("seal"), root, { name: "AES-GCM", length: 256 }, false, ["encrypt", "decrypt"]),
    crypto.subtle.deriveKey(by("name"), root, { name: "HMAC", hash: "SHA-256", length: 256 }, false, ["sign"]),
  ]);
  return { cipher, namer };
}

/** A nonce that depends on text and place alone: two different texts get the same one as rarely as two random ones do. */
async function nameOf(namer: CryptoKey, text: string, place: string): Promise<Uint8Array<ArrayBuffer>> {
  const name = await crypto.subtle.sign("HMAC", namer, utf8.encode(`${place}\u0000${text}`));
  return new Uint8Array(name, 0, nonceBytes);
}

function algorithm(nonce: Uint8Array, keyId: string, place: string) {
  return {
    name: "AES-GCM",
    iv: nonce as Uint8Array<ArrayBuffer>,
    additionalData: utf8.encode(`${sealedPrefix}${keyId}.${place}`),
  };
}

function unreadable(why: string): AppError {
  return new AppError("sealed_unreadable", `A stored text cannot be opened: ${why}.`);
}
