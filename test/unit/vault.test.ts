import fc from "fast-check";
import { describe, expect, it } from "vitest";
import { Secret } from "../../src/core/secret.ts";
import { systemRandom } from "../../src/system/random.ts";
import { createVault, placeOf, type Vault, type VaultOptions } from "../../src/upstash/vault.ts";

function keyOf(id: string, byte: number) {
  return { id, key: new Secret(btoa(String.fromCharCode(...Array<number>(32).fill(byte)))) };
}

const first = keyOf("first", 1);
const second = keyOf("second", 2);

function vaultWith(keys: VaultOptions["keys"], clear: VaultOptions["clear"] = "read"): Vault {
  return createVault({ keys, clear, random: systemRandom });
}

const vault = vaultWith([first]);
const place = placeOf("memory:knowledge:{usr_1}:agt_1", "dish");

async function expectRefusal(opening: Promise<string>): Promise<string> {
  const thrown: unknown = await opening.then(
    () => undefined,
    (error: unknown) => error,
  );
  expect(thrown).toMatchObject({ code: "sealed_unreadable", disposition: "park" });
  return (thrown as Error).message;
}

/** The sealed text with one bit of its bytes changed. */
function flipBit(sealed: string, bit: number): string {
  const at = sealed.lastIndexOf(".") + 1;
  const bytes = Uint8Array.from(atob(sealed.slice(at)), (char) => char.charCodeAt(0));
  const index = Math.floor(bit / 8) % bytes.length;
  bytes[index] = bytes[index]! ^ (1 << (bit % 8));
  return sealed.slice(0, at) + btoa(String.fromCharCode(...bytes));
}

describe("a vault", () => {
  it("gives back any text that it sealed, and shows none of it", async () => {
    await fc.assert(
      fc.asyncProperty(fc.string({ unit: "binary", maxLength: 400 }), async (text) => {
        const sealed = await vault.seal(text, place);
        expect(sealed).toMatch(/^~1\.first\.[A-Za-z0-9+/]+=*$/);
        expect(await vault.open(sealed, place)).toBe(text);
      }),
    );
  });

  it("gives back a text of a megabyte", async () => {
    const text = "ß 雪 x".repeat(200_000);
    expect(await vault.open(await vault.seal(text, place), place)).toBe(text);
  });

  it("seals the same text differently each time, and the same where it is to be recognised", async () => {
    expect(await vault.seal("text", place)).not.toBe(await vault.seal("text", place));
    const alike = await vault.sealAlike("text", place);
    expect(await vault.sealAlike("text", place)).toBe(alike);
    expect(await vault.sealAlike("text", "elsewhere")).not.toBe(alike);
    expect(await vault.sealAlike("texts", place)).not.toBe(alike);
    expect(await vault.open(alike, place)).toBe("text");
  });

  it("refuses a text that was moved to another key, field or channel", async () => {
    const sealed = await vault.seal("secret words", place);
    for (const other of ["memory:knowledge:{usr_1}:agt_1", placeOf("memory:knowledge:{usr_2}:agt_1", "dish"), ""]) {
      expect(await expectRefusal(vault.open(sealed, other))).not.toContain("secret");
    }
  });

  it("refuses a text of which any bit was changed", async () => {
    const sealed = await vault.seal("secret words", place);
    await fc.assert(
      fc.asyncProperty(fc.nat(), async (bit) => {
        expect(await expectRefusal(vault.open(flipBit(sealed, bit), place))).not.toContain("secret");
      }),
    );
  });

  it("refuses a text that was cut off anywhere, and one that is no base64", async () => {
    const sealed = await vault.seal("secret words", place);
    for (let length = "~1.".length; length < sealed.replace(/=+$/, "").length; length += 1) {
      await expectRefusal(vault.open(sealed.slice(0, length), place));
    }
    await expectRefusal(vault.open("~1.first.!!!", place));
  });

  it("names the key that it does not have", async () => {
    const sealed = await vaultWith([second]).seal("secret words", place);
    expect(await expectRefusal(vault.open(sealed, place))).toContain('"second" is not in ENCRYPTION_KEYS');
    expect(await expectRefusal(vaultWith([]).open(sealed, place))).toContain('"second"');
  });

  it("does not take one key's text for another's whose id was written over it", async () => {
    const sealed = await vaultWith([second]).seal("secret words", place);
    await expectRefusal(vaultWith([first, second]).open(sealed.replace("second", "first"), place));
  });

  it("seals by its first key, and opens what the others sealed", async () => {
    const before = await vault.seal("old words", place);
    const rotated = vaultWith([second, first]);
    expect(await rotated.open(before, place)).toBe("old words");
    expect(await rotated.seal("new words", place)).toMatch(/^~1\.second\./);
  });

  it("reads what stood there in clear, or refuses it where it is told to", async () => {
    expect(await vault.open("old words", place)).toBe("old words");
    expect(await expectRefusal(vaultWith([first], "refuse").open("old words", place))).toContain("in clear");
  });

  it("without a key leaves texts in clear, also those that look like sealed ones", async () => {
    const none = vaultWith([]);
    expect(await none.seal('{"a":1}', place)).toBe('{"a":1}');
    await fc.assert(
      fc.asyncProperty(fc.constantFrom("", "~", "~0.", "~1.", "~1.first."), fc.string(), async (start, rest) => {
        const kept = await none.seal(start + rest, place);
        expect(await none.open(kept, place)).toBe(start + rest);
        expect(await vault.open(kept, place)).toBe(start + rest);
      }),
    );
  });
});
