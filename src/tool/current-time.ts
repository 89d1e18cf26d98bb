import * as z from "zod/mini";
import { defineTool, failed, ok } from "./tool.ts";

/** What time it is somewhere. A model does not know. */
export const currentTime = defineTool({
  name: "current_time",
  description:
    "Tells the current date, time and weekday in a time zone, given by its IANA name such as Europe/Berlin. Without one: UTC.",
  input: z.object({ timeZone: z.optional(z.string().check(z.minLength(1), z.maxLength(64))) }),
  effect: "read",
  timeoutMs: 1_000,
  execute({ clock }, { timeZone = "UTC" }) {
    const now = new Date(clock.now());
    const format = zoneFormat(timeZone);
    if (format === undefined) {
      return failed(
        `There is no time zone named ${timeZone}; use an IANA name such as Europe/Berlin or America/New_York.`,
      );
    }
    const part = partsOf(format, now);
    return ok({
      timeZone,
      date: `${part("year")}-${part("month")}-${part("day")}`,
      time: `${part("hour")}:${part("minute")}:${part("second")}`,
      weekday: part("weekday"),
      utcOffset: part("timeZoneName"),
      utc: now.toISOString(),
    });
  },
});

function zoneFormat(timeZone: string): Intl.DateTimeFormat | undefined {
  try {
    return new Intl.DateTimeFormat("en-GB", {
      timeZone,
      year: "numeric",
      month: "2-digit",
      day: "2-digit",
      hour: "2-digit",
      minute: "2-digit",
      second: "2-digit",
      hourCycle: "h23",
      weekday: "long",
      timeZoneName: "longOffset",
    });
  } catch {
    return undefined;
  }
}

function partsOf(format: Intl.DateTimeFormat, now: Date): (type: Intl.DateTimeFormatPartTypes) => string {
  const parts = new Map(format.formatToParts(now).map(({ type, value }) => [type, value]));
  return (type) => parts.get(type) ?? "";
}
