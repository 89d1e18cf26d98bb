/**
 * Arithmetic on text: parsed by jsep, walked by hand, so that no text of a model is ever run as code.
 *
 * As in mathematics, and unlike in JavaScript, `-2^2` is -4: a sign binds weaker than a power. jsep binds it tighter, so
 * a power of a sign that stands in no parentheses is turned round while walking.
 */
import jsep from "jsep";
import { limits } from "../core/limits.ts";
import { formatNumber } from "./format-number.ts";

export type ExpressionValue =
  | { readonly kind: "value"; readonly value: number; readonly text: string }
  | { readonly kind: "failed"; readonly reason: string };

export function evaluateExpression(text: string): ExpressionValue {
  if (text.length > limits.expressionCharsMax) {
    return failure(`The expression is longer than ${limits.expressionCharsMax} characters.`);
  }
  try {
    const value = evaluate(parse(text), { nodes: 0 }, 1);
    if (Number.isNaN(value)) return failure("The result is not a real number.");
    if (!Number.isFinite(value)) return failure("The result is too large.");
    return { kind: "value", value, text: formatNumber(value) };
  } catch (thrown) {
    if (thrown instanceof Refused) return failure(thrown.message);
    throw thrown;
  }
}

/** Ends a walk with a reason that the model can use; never leaves this file. */
class Refused extends Error {}

// `^` is a power here. jsep knows `**`: precedence and direction are taken from it.
jsep.addBinaryOp("^", jsep.binary_ops["**"]!, true);
const openParenthesis = 40;
/** Groups, which the tree does not show by itself. */
const grouped = new WeakSet<jsep.Expression>();
jsep.hooks.add("gobble-token", function markGroup(env) {
  if (this.code !== openParenthesis) return;
  env.node = this.gobbleGroup();
  if (env.node) grouped.add(env.node);
});

function parse(text: string): jsep.Expression {
  try {
    return jsep(text);
  } catch (thrown) {
    const { description, index } = thrown as { description?: string; index?: number };
    throw new Refused(
      `The expression cannot be read${index === undefined ? "" : ` at character ${index}`}: ${description ?? "syntax error"}.`,
    );
  }
}

function evaluate(node: jsep.Expression, count: { nodes: number }, depth: number): number {
  count.nodes += 1;
  if (count.nodes > limits.expressionNodesMax)
    throw new Refused(`The expression has more than ${limits.expressionNodesMax} parts.`);
  if (depth > limits.expressionDepthMax)
    throw new Refused(`The expression is nested deeper than ${limits.expressionDepthMax} levels.`);
  const core = node as jsep.CoreExpression;
  const inner = (child: jsep.Expression) => evaluate(child, count, depth + 1);
  switch (core.type) {
    case "Literal":
      if (typeof core.value !== "number") throw new Refused(`Only numbers can be used, not ${core.raw}.`);
      return core.value;
    case "Identifier":
      return constant(core.name);
    case "UnaryExpression":
      return sign(core.operator, inner(core.argument));
    case "BinaryExpression":
      return binary(core, inner);
    case "CallExpression":
      return call(core, inner);
    default:
      throw new Refused(
        "Only one arithmetic expression can be evaluated; a number is written without separators, as in 1234.5.",
      );
  }
}

type Inner = (child: jsep.Expression) => number;

function binary({ operator, left, right }: jsep.BinaryExpression, inner: Inner): number {
  if (operator === "^" || operator === "**") return power(left, right, inner);
  const a = inner(left);
  const b = inner(right);
  switch (operator) {
    case "+":
      return a + b;
    case "-":
      return a - b;
    case "*":
      return a * b;
    case "/":
      if (b === 0) throw new Refused("Division by zero has no result.");
      return a / b;
    case "%":
      if (b === 0) throw new Refused("The remainder of a division by zero has no result.");
      return a % b;
    default:
      throw new Refused(`The operator ${operator} is not supported.`);
  }
}

function power(base: jsep.Expression, exponent: jsep.Expression, inner: Inner): number {
  if (base.type === "UnaryExpression" && !grouped.has(base)) {
    const { operator, argument } = base as jsep.UnaryExpression;
    return sign(operator, power(argument, exponent, inner));
  }
  const [a, b] = [inner(base), inner(exponent)];
  if (a === 0 && b < 0) throw new Refused("Zero to a negative power is a division by zero.");
  return a ** b;
}

function sign(operator: string, value: number): number {
  if (operator === "-") return -value;
  if (operator === "+") return value;
  throw new Refused(`The operator ${operator} is not supported.`);
}

function constant(name: string): number {
  if (name === "pi") return Math.PI;
  if (name === "e") return Math.E;
  throw new Refused(`There is no constant ${name.slice(0, 40)}; there are pi and e.`);
}

/** Each function with how many arguments it takes. */
const functions = new Map<
  string,
  { readonly apply: (...values: number[]) => number; readonly from: number; readonly to: number }
>([
  ["sqrt", { apply: Math.sqrt, from: 1, to: 1 }],
  ["abs", { apply: Math.abs, from: 1, to: 1 }],
  ["floor", { apply: Math.floor, from: 1, to: 1 }],
  ["ceil", { apply: Math.ceil, from: 1, to: 1 }],
  ["round", { apply: roundHalfAway, from: 1, to: 2 }],
  ["min", { apply: Math.min, from: 1, to: Infinity }],
  ["max", { apply: Math.max, from: 1, to: Infinity }],
  ["pow", { apply: Math.pow, from: 2, to: 2 }],
  ["log", { apply: Math.log10, from: 1, to: 1 }],
  ["ln", { apply: Math.log, from: 1, to: 1 }],
  ["sin", { apply: Math.sin, from: 1, to: 1 }],
  ["cos", { apply: Math.cos, from: 1, to: 1 }],
  ["tan", { apply: Math.tan, from: 1, to: 1 }],
]);

function call({ callee, arguments: args }: jsep.CallExpression, inner: Inner): number {
  const name = callee.type === "Identifier" ? (callee as jsep.Identifier).name : "";
  const found = functions.get(name);
  if (found === undefined)
    throw new Refused(`There is no function ${name.slice(0, 40)}; there are ${[...functions.keys()].join(", ")}.`);
  if (args.length < found.from || args.length > found.to)
    throw new Refused(`${name} takes another number of arguments.`);
  return found.apply(...args.map((arg) => inner(arg)));
}

/** 2.5 becomes 3 and -2.5 becomes -3, as people expect; the second argument says how many decimals are kept. */
function roundHalfAway(value: number, decimals = 0): number {
  if (!Number.isInteger(decimals) || decimals < 0 || decimals > 12) throw new Refused("round keeps 0 to 12 decimals.");
  const text = String(Math.abs(value));
  // So large that there are no decimals, or so small that `toFixed` has nothing left to get wrong.
  if (text.includes("e")) return Math.abs(value) > 1 ? value : Number(value.toFixed(decimals));
  // By the decimal text, since 1.005 * 100 is 100.49999999999999.
  const shifted = Math.round(Number(`${text}e${decimals}`));
  return shifted > Number.MAX_SAFE_INTEGER ? value : Math.sign(value) * Number(`${shifted}e-${decimals}`);
}

function failure(reason: string): ExpressionValue {
  return { kind: "failed", reason };
}
