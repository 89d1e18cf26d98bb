import * as z from "zod/mini";
import { limits } from "../core/limits.ts";
import { defineTool, failed, ok } from "./tool.ts";

/** Arithmetic, so that a model need not guess at numbers. */
export const calculator = defineTool({
  name: "calculator",
  description:
    "Evaluates an arithmetic expression exactly as written. Operators: + - * / % ^ ** and parentheses. Functions: sqrt, abs, " +
    "floor, ceil, round, min, max, pow, log (base 10), ln, sin, cos, tan (radians). Constants: pi, e. Use it for any calculation.",
  input: z.object({
    expression: z.string().check(z.minLength(1), z.maxLength(limits.expressionCharsMax)),
  }),
  effect: "read",
  timeoutMs: 1_000,
  async execute(_context, { expression }) {
    // The parser is a chunk of its own, loaded by the first calculation.
    const { evaluateExpression } = await import("./expression.ts");
    const value = evaluateExpression(expression);
    return value.kind === "value" ? ok({ expression, result: value.text }) : failed(value.reason);
  },
});
