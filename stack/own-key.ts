/**
 * The key by which `npm start` encrypts what users write: random, made at the first start, and kept beside the state that it seals, so that a later start reads that state.
 * It is not in the state: `--fresh` leaves it, for a Redis by URL keeps what it holds.
 */
import { randomBytes } from "node:crypto";
import { existsSync, mkdirSync, readFileSync, renameSync, writeFileSync } from "node:fs";
import path from "node:path";
import { LOCAL_ENCRYPTION_KEYS } from "./app-bindings.ts";

const fileName = "encryption.key";

/**
 * `ENCRYPTION_KEYS` for a Worker over the state in this folder. The public key stands behind it, for states of before there was one of their own.
 *
 * @throws Error in words for a file that holds no key: a new one could not open what is there.
 */
export function ownEncryptionKeys(folder: string): string {
  const file = path.join(folder, fileName);
  if (!existsSync(file)) makeKey(file);
  const key = readFileSync(file, "utf8").trim();
  if (!/^[A-Za-z0-9+/]{43}=$/.test(key)) {
    throw new Error(`${file} holds no key. Put back what it held; without it what was sealed stays unreadable.`);
  }
  return `own:${key},${LOCAL_ENCRYPTION_KEYS}`;
}

/** As a whole: who dies meanwhile leaves no half of a key. */
function makeKey(file: string): void {
  mkdirSync(path.dirname(file), { recursive: true });
  writeFileSync(`${file}.new`, `${randomBytes(32).toString("base64")}\n`, { mode: 0o600 });
  renameSync(`${file}.new`, file);
}
