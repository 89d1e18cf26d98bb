import { Secret } from "../core/secret.ts";
import type { BindingReader } from "./binding-reader.ts";

export interface EncryptionConfig {
  /** The first one encrypts, all of them decrypt; without any, what is stored is in clear. */
  readonly keys: readonly { readonly id: string; readonly key: Secret }[];
  /** What becomes of clear text that was stored before there was a key. */
  readonly clear: "read" | "refuse";
}

/** Enough for any rotation; a Workers secret holds no more than 5 KB. */
const keysMax = 16;
const keyForm = /^([A-Za-z0-9_-]{1,16}):([A-Za-z0-9+/]{43}=)$/;

export function readEncryption(read: BindingReader): EncryptionConfig {
  return {
    keys: readKeys(read),
    clear: read.has("ENCRYPTION_CLEAR") ? read.oneOf("ENCRYPTION_CLEAR", ["read", "refuse"] as const) : "read",
  };
}

function readKeys(read: BindingReader): EncryptionConfig["keys"] {
  if (!read.has("ENCRYPTION_KEYS")) return [];
  const parts = read.text(["ENCRYPTION_KEYS"], "").split(/[\s,]+/);
  const forms = parts.map((part) => keyForm.exec(part));
  const ids = new Set(forms.map((form) => form?.[1]));
  if (forms.includes(null) || ids.size < parts.length || parts.length > keysMax) {
    read.problems.push(
      `ENCRYPTION_KEYS is set, but is no list of at most ${keysMax} different \`id:key\` with commas between them, the key being base64 of 32 bytes; make one with \`openssl rand -base64 32\`.`,
    );
    return [];
  }
  return forms.map((form) => ({ id: form![1]!, key: new Secret(form![2]!) }));
}
