/** What is wrong with a cron, in a sentence for its author. The queue fires it; here it is only judged. */
import { Cron } from "croner";

const fields = "minute, hour, day of the month, month, day of the week";
const problemCharsMax = 120;
/** `*`, a number or a name of three letters, or a range of them; each with a step. */
const itemPattern = /^(?:\*|(?:\d{1,2}|[a-z]{3})(?:-(?:\d{1,2}|[a-z]{3}))?)(?:\/\d{1,2})?$/i;

/** `undefined` when it is fine: five fields, a time zone that exists, and at least one time at which it fires. */
export function cronProblem(cron: string, timeZone: string, nowMs: number): string | undefined {
  const parts = cron.trim().split(/\s+/);
  if (cron.trim() === "" || parts.length !== 5) return `must have five fields: ${fields}`;
  // What else the library knows (L, W, #, seconds, names such as @daily) the queue need not know.
  if (!parts.every((part) => part.split(",").every((item) => itemPattern.test(item))))
    return "must be made of numbers, names of months and days, and the characters * , / -";
  if (!isTimeZone(timeZone)) return "must stand with a time zone that exists, such as Europe/Berlin";
  try {
    // Without a function it only calculates.
    const next = new Cron(parts.join(" "), { timezone: timeZone, mode: "5-part" }).nextRun(new Date(nowMs));
    return next === null ? "must fire at least once: no day fits it" : undefined;
  } catch (error) {
    const reason = error instanceof Error ? error.message.replace(/^\w+: /, "") : "it cannot be read";
    return `must be a cron: ${reason.slice(0, problemCharsMax)}`;
  }
}

function isTimeZone(timeZone: string): boolean {
  try {
    return new Intl.DateTimeFormat("en", { timeZone }).resolvedOptions().timeZone !== "";
  } catch {
    return false;
  }
}
