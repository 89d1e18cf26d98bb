/** What the compiler says of a run's code: results are what JSON keeps of them. The bodies of these runs are never called. */
import { describe, expectTypeOf, it } from "vitest";
import type { AsJson, JsonValue } from "../../src/core/json.ts";
import type { RunContext } from "../../src/engine/run-context.ts";
import type { RunDefinition } from "../../src/engine/run-definition.ts";

interface Table {
  readonly id: string;
  readonly seats?: number;
  readonly kind: { readonly kind: "inside" } | { readonly kind: "outside"; readonly isHeated: boolean };
  readonly names: readonly string[];
  readonly pair: [number, string];
  readonly raw: unknown;
  readonly note: string | undefined;
}

const typed = <T>(check: (ctx: RunContext, definition: RunDefinition<string, Date>) => T) => check;

describe("the result of a step, for the compiler", () => {
  it("is what the body returns where JSON can hold it", () => {
    typed(async (ctx) => {
      expectTypeOf(await ctx.step("s", () => 7)).toEqualTypeOf<number>();
      expectTypeOf(await ctx.step("s", async () => {})).toEqualTypeOf<void>();
      expectTypeOf(await ctx.step("s", (): Table => null as never)).branded.toEqualTypeOf<Table>();
      expectTypeOf(await ctx.step("s", (): JsonValue => null)).toEqualTypeOf<JsonValue>();
      expectTypeOf(await ctx.step("s", (): unknown => null)).toEqualTypeOf<unknown>();
      expectTypeOf(await ctx.step("s", (): Table | undefined => undefined)).toExtend<Table | undefined>();
      const table: Table = await ctx.step<Table>("s", () => null as never);
      return table;
    });
  });

  it("is a text where the body returns a date, also deep within", () => {
    typed(async (ctx) => {
      expectTypeOf(await ctx.step("s", () => new Date(0))).toEqualTypeOf<string>();
      expectTypeOf(await ctx.step("s", () => ({ at: [new Date(0)] }))).toEqualTypeOf<{ at: string[] }>();
      // @ts-expect-error -- a text has no getTime
      (await ctx.step("s", () => new Date(0))).getTime();
      await ctx.step("s", () => new Date(0), {
        compensate: (at) => expectTypeOf(at).toEqualTypeOf<string>(),
        dryResult: "1970-01-01T00:00:00.000Z",
      });
    });
  });

  it("is of no use where nothing would be left of it", () => {
    expectTypeOf<AsJson<Map<string, number>>>().toBeNever();
    expectTypeOf<AsJson<Set<string>>>().toBeNever();
    expectTypeOf<AsJson<() => string>>().toBeNever();
    expectTypeOf<AsJson<bigint>>().toBeNever();
    expectTypeOf<AsJson<Uint8Array>>().toBeNever();
    typed(async (ctx) => {
      // @ts-expect-error -- what was a map is empty
      (await ctx.step("s", () => new Map([["a", 1]]))).get("a");
    });
  });

  it("is a text where a child's output is a date", () => {
    typed(async (ctx, definition) => {
      expectTypeOf(await ctx.child("c", definition, "in")).toEqualTypeOf<string>();
    });
  });
});
