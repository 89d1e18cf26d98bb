import { describe, expect, it } from "vitest";
import { groupByCause, type DeadLetter } from "../../src/ops/dead-letter.ts";

function letter(id: string, key: string, failedAt: number): DeadLetter {
  return { id, kind: "run", userId: "usr_1", failedAt, what: "book-dinner@1", cause: { key, text: `text of ${key}` } };
}

const group = (key: string, ids: string[], firstAt: number, lastAt: number) => ({
  cause: { key, text: `text of ${key}` },
  count: ids.length,
  firstAt,
  lastAt,
  ids,
});

describe("letters by cause", () => {
  it("are counted, with the first and the last time, and named", () => {
    const letters = [letter("r1", "a", 30), letter("r2", "b", 20), letter("r3", "a", 10), letter("r4", "a", 20)];
    expect(groupByCause(letters)).toEqual([group("a", ["r1", "r3", "r4"], 10, 30), group("b", ["r2"], 20, 20)]);
  });

  it("have the greatest group first, and of two as great the one that happened last", () => {
    const letters = [letter("r1", "a", 5), letter("r2", "b", 9), letter("r3", "c", 1), letter("r4", "c", 2)];
    expect(groupByCause(letters).map(({ cause }) => cause.key)).toEqual(["c", "b", "a"]);
  });

  it("are none where there are none", () => {
    expect(groupByCause([])).toEqual([]);
  });
});
