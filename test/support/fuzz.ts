/** Chance and near misses for parsers of bytes from outside. `RUNS=1000000 npm run fuzz` is the long run; a failure prints the seed and the smallest input. */
import * as fc from "fast-check";

export const numRuns = Number(process.env["RUNS"] ?? 300);
export const timeout = Math.max(20_000, numRuns);

/** @param seeds what a parser is meant for, for chance to spoil. */
export function spoiled(seeds: readonly string[]): fc.Arbitrary<string> {
  const nearMiss = fc
    .tuple(fc.constantFrom(...seeds), fc.nat(), fc.nat({ max: 8 }), fc.string({ unit: "binary", maxLength: 6 }))
    .map(([seed, at, cut, put]) => {
      const place = at % (seed.length + 1);
      return seed.slice(0, place) + put + seed.slice(place + cut);
    });
  return fc.oneof(
    { weight: 3, arbitrary: nearMiss },
    { weight: 2, arbitrary: fc.string({ unit: "binary", maxLength: 200 }) },
    { weight: 1, arbitrary: fc.json({ maxDepth: 6 }) },
  );
}

/** Runs a parser; an error of the documented kind counts as an answer. */
export async function expectOnly(
  text: fc.Arbitrary<string>,
  parse: (input: string) => unknown,
  isDocumented: (thrown: unknown) => boolean = () => false,
  runs = numRuns,
): Promise<void> {
  await fc.assert(
    fc.asyncProperty(text, async (input) => {
      try {
        await parse(input);
      } catch (thrown) {
        if (!isDocumented(thrown)) throw thrown;
      }
    }),
    { numRuns: runs },
  );
}
