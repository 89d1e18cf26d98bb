import * as fc from "fast-check";
import { describe, expect, it } from "vitest";
import { decodeVector, encodeVector, quantise, similarity } from "../../src/memory/vector.ts";

const numbers = fc.array(fc.double({ noNaN: true, min: -1, max: 1 }), { minLength: 64, maxLength: 64 });

function cosine(a: readonly number[], b: readonly number[]): number {
  const dot = a.reduce((sum, value, index) => sum + value * b[index]!, 0);
  return dot / (Math.hypot(...a) * Math.hypot(...b));
}

describe("a vector", () => {
  it("is the same after it was written and read", () => {
    fc.assert(
      fc.property(fc.int8Array({ maxLength: 512 }), (vector) => {
        expect(decodeVector(encodeVector(vector))).toEqual(vector);
      }),
    );
  });

  it("in bytes points where it pointed in numbers, to less than two hundredths", () => {
    fc.assert(
      fc.property(numbers, numbers, (a, b) => {
        fc.pre(Math.max(...a.map(Math.abs)) > 1e-3 && Math.max(...b.map(Math.abs)) > 1e-3);
        expect(Math.abs(similarity(quantise(a), quantise(b)) - cosine(a, b))).toBeLessThan(0.02);
      }),
    );
  });

  it("is as near to itself as can be, and as near to another as that is to it", () => {
    fc.assert(
      fc.property(numbers, numbers, (a, b) => {
        const [x, y] = [quantise(a), quantise(b)];
        fc.pre(x.some((value) => value !== 0));
        expect(similarity(x, x)).toBeCloseTo(1, 10);
        expect(similarity(x, y)).toBe(similarity(y, x));
        expect(Math.abs(similarity(x, y))).toBeLessThanOrEqual(1 + 1e-9);
      }),
    );
  });

  it("of zeros, or of another length, is near to nothing", () => {
    expect(similarity(quantise([0, 0]), quantise([1, 0]))).toBe(0);
    expect(similarity(quantise([1, 0, 0]), quantise([1, 0]))).toBe(0);
    expect(similarity(quantise([]), quantise([]))).toBe(0);
    expect(quantise([0, 0])).toEqual(new Int8Array(2));
  });

  it("that is no base64 is none", () => {
    expect(decodeVector("!")).toBeUndefined();
    expect(decodeVector("")).toEqual(new Int8Array());
  });
});
