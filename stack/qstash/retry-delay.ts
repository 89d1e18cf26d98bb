/**
 * `Upstash-Retry-Delay`: arithmetic over `retried` (0 for the first retry) that gives milliseconds. The text is parsed by
 * jsep and walked here; it is never evaluated as JavaScript. Source: protocol document, B.6.
 */
import jsep from "jsep";
import { ApiError } from "./api-error.ts";

type Calculation = (retried: number) => number;

const expressionCharactersMax = 1_000;

const functions = new Map<string, { argumentCount: number | "any"; call: (...values: number[]) => number }>([
  ["pow", { argumentCount: 2, call: Math.pow }],
  ["sqrt", { argumentCount: 1, call: Math.sqrt }],
  ["abs", { argumentCount: 1, call: Math.abs }],
  ["exp", { argumentCount: 1, call: Math.exp }],
  ["floor", { argumentCount: 1, call: Math.floor }],
  ["ceil", { argumentCount: 1, call: Math.ceil }],
  ["round", { argumentCount: 1, call: Math.round }],
  ["min", { argumentCount: "any", call: Math.min }],
  ["max", { argumentCount: "any", call: Math.max }],
]);

const operators = new Map<string, (left: number, right: number) => number>([
  ["+", (left, right) => left + right],
  ["-", (left, right) => left - right],
  ["*", (left, right) => left * right],
  ["/", (left, right) => left / right],
  ["%", (left, right) => left % right],
]);

/**
 * The calculation that `text` describes. Its result may be negative, NaN or infinite; the caller decides what that means.
 * @throws ApiError 400 for anything but numbers, `retried`, `+ - * / %`, parentheses and the functions of B.6.
 */
export function parseRetryDelay(text: string): Calculation {
  if (text.length > expressionCharactersMax) throw refusal("it is too long");
  let tree: jsep.Expression;
  try {
    tree = jsep(text);
  } catch (error) {
    throw refusal(error instanceof Error ? error.message : "it cannot be parsed");
  }
  return compile(tree);
}

function compile(node: jsep.Expression): Calculation {
  if (isKind<jsep.Literal>(node, "Literal")) return compileLiteral(node);
  if (isKind<jsep.Identifier>(node, "Identifier")) {
    if (node.name !== "retried") throw refusal(`unknown variable ${node.name}`);
    return (retried) => retried;
  }
  if (isKind<jsep.UnaryExpression>(node, "UnaryExpression")) {
    const inner = compile(node.argument);
    if (node.operator === "-") return (retried) => -inner(retried);
    if (node.operator === "+") return inner;
    throw refusal(`unknown operator ${node.operator}`);
  }
  if (isKind<jsep.BinaryExpression>(node, "BinaryExpression")) {
    const apply = operators.get(node.operator);
    if (apply === undefined) throw refusal(`unknown operator ${node.operator}`);
    const left = compile(node.left);
    const right = compile(node.right);
    return (retried) => apply(left(retried), right(retried));
  }
  if (isKind<jsep.CallExpression>(node, "CallExpression")) return compileCall(node);
  throw refusal("it is not an arithmetic expression");
}

function compileLiteral(node: jsep.Literal): Calculation {
  const { value } = node;
  if (typeof value !== "number") throw refusal(`${node.raw} is not a number`);
  return () => value;
}

function compileCall(node: jsep.CallExpression): Calculation {
  const name = isKind<jsep.Identifier>(node.callee, "Identifier") ? node.callee.name : "";
  const known = functions.get(name);
  if (known === undefined) throw refusal(`unknown function ${name}`);
  const inner = node.arguments.map(compile);
  const isCountRight = known.argumentCount === "any" ? inner.length > 0 : inner.length === known.argumentCount;
  if (!isCountRight) throw refusal(`${name} got ${inner.length} argument(s)`);
  return (retried) => known.call(...inner.map((calculate) => calculate(retried)));
}

function isKind<Kind extends jsep.Expression>(node: jsep.Expression, type: Kind["type"]): node is Kind {
  return node.type === type;
}

function refusal(reason: string): ApiError {
  return new ApiError(400, `invalid Upstash-Retry-Delay: ${reason}`);
}
