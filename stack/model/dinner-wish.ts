/** What a sentence about a dinner says of where, when and for how many; what it leaves open is made up the same way each time. */
export interface DinnerWish {
  city: string;
  partySize: number;
  /** ISO 8601, UTC. */
  at: string;
}

const WANTS_DINNER = /\b(?:dinner|lunch|table|restaurant)\b/i;
const COUNTS = ["one", "two", "three", "four", "five", "six", "seven", "eight", "nine", "ten", "eleven", "twelve"];
const dayMs = 24 * 60 * 60 * 1000;

/** @param nowMs what the prompt says of the time. */
export function dinnerWishIn(goal: string, nowMs: number): DinnerWish | undefined {
  if (!WANTS_DINNER.test(goal)) return undefined;
  return { city: cityIn(goal), partySize: partySizeIn(goal), at: timeIn(goal, nowMs) };
}

function cityIn(goal: string): string {
  return /\b(?:in|near|around)\s+([A-Z][\p{L}-]+(?:\s[A-Z][\p{L}-]+)?)/u.exec(goal)?.[1] ?? "Berlin";
}

function partySizeIn(goal: string): number {
  const said = /\b(?:for|of)\s+(?:a party of\s+)?(\d{1,2}|[a-z]+)\b/gi;
  for (const [, word = ""] of goal.matchAll(said)) {
    const count = /^\d/.test(word) ? Number(word) : COUNTS.indexOf(word.toLowerCase()) + 1;
    if (count > 0) return count;
  }
  return 2;
}

function timeIn(goal: string, nowMs: number): string {
  const [, hourText = "19", minutes = "00", half] = /\bat\s+(\d{1,2})(?::(\d{2}))?\s*(am|pm)?\b/i.exec(goal) ?? [];
  const hour = (Number(hourText) % (half === undefined ? 24 : 12)) + (half?.toLowerCase() === "pm" ? 12 : 0);
  const isToday = /\b(?:today|tonight)\b/i.test(goal);
  const day = new Date(nowMs + (isToday ? 0 : dayMs)).toISOString().slice(0, 10);
  return `${day}T${String(hour).padStart(2, "0")}:${minutes}:00Z`;
}
