/** The text that QStash sends in base64; empty for what cannot be read. */
export function decodeBase64(base64 = ""): string {
  try {
    return new TextDecoder().decode(Uint8Array.from(atob(base64), (char) => char.charCodeAt(0)));
  } catch {
    return "";
  }
}
