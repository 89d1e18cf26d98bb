/** Decimal digits that a double holds for certain; what stands behind them is noise of the binary form. */
const reliableDigits = 15;

/**
 * A number in plain decimals, as a person writes it: 0.1 + 0.2 is `0.3`, not `0.30000000000000004`. Integers are exact up to
 * 2^53; beyond that, and beyond fifteen zeros behind the point, the form is `1.26765060022823e+30`.
 */
export function formatNumber(value: number): string {
  if (value === 0) return "0";
  if (Number.isSafeInteger(value)) return String(value);
  const rounded = Number(value.toPrecision(reliableDigits));
  const text = String(rounded);
  if (!text.includes("e-")) return text;
  const [digits, exponent] = text.split("e-") as [string, string];
  if (Number(exponent) > reliableDigits) return text;
  const decimals = Number(exponent) + (digits.split(".")[1]?.length ?? 0);
  return rounded.toFixed(decimals);
}
