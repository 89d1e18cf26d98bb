import { demand } from "./failures.ts";

/** Milliseconds, or a text such as `"250ms"`, `"30s"`, `"30m"`, `"2h"`, `"7d"`. */
export type Duration = number | `${number}${"ms" | "s" | "m" | "h" | "d"}`;

const unitMs = { ms: 1, s: 1_000, m: 60_000, h: 3_600_000, d: 86_400_000 } as const;

/** @throws BadDefinition for what is no duration, or below 0: it stands in the code of a definition. */
export function durationMs(duration: Duration): number {
  if (typeof duration === "number") {
    demand(
      Number.isFinite(duration) && duration >= 0,
      `${duration} is no duration; it is a number of milliseconds, 0 or more`,
    );
    return Math.round(duration);
  }
  const match = /^(\d+(?:\.\d+)?)(ms|s|m|h|d)$/.exec(duration);
  demand(match !== null, `"${duration}" is no duration; write 250ms, 30s, 30m, 2h or 7d`);
  return Math.round(Number(match[1]) * unitMs[match[2] as keyof typeof unitMs]);
}
