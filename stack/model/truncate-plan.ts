import type { ResponsePlan } from "./script-answer.ts";

/** The same response, cut off by the network after `bytes` bytes of its body. */
export function truncatePlan(plan: ResponsePlan, bytes: number): ResponsePlan {
  const pieces: string[] = [];
  let left = bytes;
  for (const piece of plan.pieces) {
    if (left <= 0) break;
    // Counted in characters: what the model writes is ASCII but for an accent here and there.
    pieces.push(piece.slice(0, left));
    left -= piece.length;
  }
  return { ...plan, pieces, ending: "cut" };
}
