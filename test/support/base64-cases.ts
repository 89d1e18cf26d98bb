import { expect, it } from "vitest";
import { decodeBase64, encodeBase64 } from "../../src/core/base64.ts";

/** The same wherever it runs: the engine's own methods and ours agree. */
export function base64Cases(): void {
  it("is what RFC 4648 §10 says", () => {
    const texts = {
      "": "",
      f: "Zg==",
      fo: "Zm8=",
      foo: "Zm9v",
      foob: "Zm9vYg==",
      fooba: "Zm9vYmE=",
      foobar: "Zm9vYmFy",
    };
    for (const [text, encoded] of Object.entries(texts)) {
      expect(encodeBase64(new TextEncoder().encode(text))).toBe(encoded);
      expect(decodeBase64(encoded)).toEqual(new TextEncoder().encode(text));
    }
  });

  it("gives back bytes of any length and value, more than are encoded at once, and a part of a larger buffer", () => {
    const all = Uint8Array.from({ length: 20_000 }, (_, index) => (index * 31) % 256);
    for (const [from, to] of [
      [0, 20_000],
      [0, 8_192],
      [1, 8_194],
      [255, 256],
    ] as const) {
      const part = all.subarray(from, to);
      expect(decodeBase64(encodeBase64(part))).toEqual(part.slice());
    }
  });

  it.each(["=", "Z", "Zg=", "Zg==Zg==", "Zm9v!", "Zm9_", "Zm-v", "Zm9vé", "\u0000"])("refuses %j", (text) => {
    expect(decodeBase64(text)).toBeUndefined();
  });
}
