/** workerd has methods of its own for it. */
import { describe, expect, it } from "vitest";
import { base64Cases } from "../support/base64-cases.ts";

describe("base64 in workerd", () => {
  base64Cases();

  it("is done by the engine", () => {
    expect("toBase64" in Uint8Array.prototype).toBe(true);
    expect("fromBase64" in Uint8Array).toBe(true);
  });
});
