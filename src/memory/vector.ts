/**
 * Vectors of an embedding model, small enough to be kept beside what they stand for.
 *
 * Each number becomes one signed byte, scaled so that the largest is 127: a quarter of the size of 32-bit floats. Only the angle between two vectors counts, and
 * rounding moves it by less than 1 %, far less than what tells two texts apart.
 */
import { decodeBase64, encodeBase64 } from "../core/base64.ts";

export type Vector = Int8Array;

const scaleMax = 127;

export function quantise(values: readonly number[]): Vector {
  let largest = 0;
  for (const value of values) largest = Math.max(largest, Math.abs(value));
  const vector = new Int8Array(values.length);
  if (largest > 0)
    for (const [index, value] of values.entries()) vector[index] = Math.round((value / largest) * scaleMax);
  return vector;
}

/** The cosine of the angle between two vectors, from -1 to 1; 0 when one of them says nothing, or their lengths differ. */
export function similarity(a: Vector, b: Vector): number {
  if (a.length !== b.length) return 0;
  let [dot, aa, bb] = [0, 0, 0];
  for (let index = 0; index < a.length; index += 1) {
    const x = a[index]!;
    const y = b[index]!;
    dot += x * y;
    aa += x * x;
    bb += y * y;
  }
  return aa === 0 || bb === 0 ? 0 : dot / Math.sqrt(aa * bb);
}

/** Base64: a third more than the bytes, and safe in JSON. */
export function encodeVector(vector: Vector): string {
  return encodeBase64(new Uint8Array(vector.buffer, vector.byteOffset, vector.length));
}

/** `undefined` for what is no base64. */
export function decodeVector(text: string): Vector | undefined {
  const bytes = decodeBase64(text);
  return bytes && new Int8Array(bytes.buffer, bytes.byteOffset, bytes.length);
}
