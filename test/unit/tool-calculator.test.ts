import { describe, expect, it } from "vitest";
import { evaluateExpression } from "../../src/tool/expression.ts";

function result(expression: string): string {
  const value = evaluateExpression(expression);
  return value.kind === "value" ? value.text : value.reason;
}

describe("an expression", () => {
  it.each([
    ["1 + 2 * 3", "7"],
    ["(1 + 2) * 3", "9"],
    ["0.1 + 0.2", "0.3"],
    ["10 / 4", "2.5"],
    ["1 / 3", "0.333333333333333"],
    ["7 % 3", "1"],
    ["2 ^ 10", "1024"],
    ["2 ** 10", "1024"],
    ["2 ^ 3 ^ 2", "512"],
    ["-2 ^ 2", "-4"],
    ["(-2) ^ 2", "4"],
    ["2 ^ -1", "0.5"],
    ["-(-3)", "3"],
    ["--3", "3"],
    ["2 * -3", "-6"],
    ["sqrt(16) + abs(-2)", "6"],
    ["floor(2.7) + ceil(2.1) + round(2.5)", "8"],
    ["round(-2.5)", "-3"],
    ["round(1.005, 2)", "1.01"],
    ["round(0.0000001, 2)", "0"],
    ["min(3, 1, 2) + max(3, 1, 2)", "4"],
    ["pow(2, 8)", "256"],
    ["log(1000)", "3"],
    ["ln(e)", "1"],
    ["sin(pi / 2)", "1"],
    ["cos(0)", "1"],
    ["tan(0)", "0"],
    ["9007199254740991", "9007199254740991"],
    ["2 ^ 100", "1.26765060022823e+30"],
    ["1 / 10 ^ 8", "0.00000001"],
    ["1234.5678 * 100", "123456.78"],
    ["-0", "0"],
  ])("%s is %s", (expression, expected) => {
    expect(result(expression)).toBe(expected);
  });

  it.each([
    ["1 / 0", /Division by zero/],
    ["5 % 0", /division by zero/],
    ["0 ^ -1", /division by zero/],
    ["sqrt(-1)", /not a real number/],
    ["10 ^ 400", /too large/],
    ["1 +", /cannot be read/],
    ["(1", /cannot be read/],
    ["", /cannot|Only one/],
    ["1, 2", /Only one/],
    ["1 2", /Only one|cannot be read/],
    ["(1)(2)", /Only one|cannot be read/],
    ["x + 1", /no constant x/],
    ["constructor", /no constant/],
    ["foo(1)", /no function foo/],
    ["constructor(1)", /no function/],
    ["(1).constructor", /Only one|cannot be read/],
    ["pi.x", /Only one/],
    ["sqrt(1, 2)", /number of arguments/],
    ["'a' + 1", /Only numbers/],
    ["true + 1", /Only numbers/],
    ["1 < 2", /not supported/],
    ["1 && 2", /not supported/],
    ["!1", /not supported/],
    ["~1", /not supported/],
    ["1 ? 2 : 3", /Only one|cannot be read/],
    ["[1]", /Only one/],
    ["this", /Only one/],
    ["1".repeat(501), /longer than 500/],
    ["-".repeat(100) + "1", /nested deeper/],
    [Array(240).fill("1").join("+"), /nested deeper|more than/],
  ])("%.30s is refused in words", (expression, reason) => {
    expect(result(expression)).toMatch(reason);
  });
});
