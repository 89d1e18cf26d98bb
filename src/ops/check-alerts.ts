import type { Clock, Log } from "../core/ports.ts";
import { judgeAlerts, wordsOf, type Incident, type Readings, type Thresholds } from "./alert-rules.ts";

export interface AlertNotice {
  /** The same each time that this is told. */
  readonly id: string;
  readonly body: {
    readonly incident: string;
    readonly rule: string;
    readonly state: "opened" | "resolved";
    readonly value: number;
    readonly threshold: number | null;
    readonly openedAt: string;
    readonly at: string;
    /** For webhooks of chat programs, which show it. */
    readonly text: string;
  };
}

export interface AlertParts {
  readonly thresholds: Thresholds;
  /** Absent where nobody is to be told: then alerts are logged. */
  readonly tell: ((notice: AlertNotice) => Promise<void>) | undefined;
  /** What is measured, and the incidents that are open. */
  readonly read: () => Promise<{ readonly readings: Readings; readonly open: readonly Incident[] }>;
  readonly keep: (incident: Incident) => Promise<void>;
  readonly forget: (incident: Incident) => Promise<void>;
  readonly clock: Clock;
  readonly log: Log;
}

/** Every so many minutes: a look costs commands. */
const alertMinutes = 5;
const slotMs = alertMinutes * 60_000;

/** Whether this minute's round of the sweep looks. */
export function isAlertMinute(nowMs: number): boolean {
  return Math.floor(nowMs / 60_000) % alertMinutes === 0;
}

/**
 * One look. Safe to run twice at once, and to break off anywhere: an incident is kept before it is told of and forgotten after its end was, so that telling is
 * tried again, under the same id, until it was done. What fails for one incident is logged and keeps no other from being told of.
 */
export async function checkAlerts(parts: AlertParts): Promise<{ opened: number; resolved: number }> {
  const { thresholds, clock, log } = parts;
  // All looks of one slot see one time, so that two at once name an incident alike.
  const nowMs = slotMs * Math.floor(clock.now() / slotMs);
  const { readings, open } = await parts.read();
  const { opened, resolved } = judgeAlerts({ readings, thresholds, open, nowMs });
  const toldOpened = await eachByItself(log, opened, async (incident) => {
    const isNew = !open.includes(incident);
    if (isNew) log.error("alert", { rule: incident.rule, value: incident.value, text: wordsOf(incident) });
    await parts.keep(incident);
    await parts.tell?.(noticeOf(incident, "opened", parts, nowMs));
    await parts.keep({ ...incident, isTold: true });
  });
  const toldResolved = await eachByItself(log, resolved, async (incident) => {
    // Nobody could be told while it lasted.
    if (!incident.isTold) await parts.tell?.(noticeOf(incident, "opened", parts, nowMs));
    const now = { ...incident, value: readings[incident.rule] ?? incident.value };
    await parts.tell?.(noticeOf(now, "resolved", parts, nowMs));
    await parts.forget(incident);
    log.info("alert is over", { rule: incident.rule });
  });
  return { opened: toldOpened, resolved: toldResolved };
}

/** @returns for how many it was done. */
async function eachByItself(
  log: Log,
  incidents: readonly Incident[],
  act: (incident: Incident) => Promise<void>,
): Promise<number> {
  let done = 0;
  for (const incident of incidents) {
    try {
      await act(incident);
      done += 1;
    } catch (error) {
      log.error("an alert could not be told; the next look tries again", { rule: incident.rule, error });
    }
  }
  return done;
}

function noticeOf(
  incident: Incident,
  state: "opened" | "resolved",
  { thresholds }: AlertParts,
  nowMs: number,
): AlertNotice {
  const { rule, openedAt, value } = incident;
  const text = state === "opened" ? `Alert: ${wordsOf(incident)}.` : `Over: ${wordsOf(incident)}.`;
  const threshold = thresholds[rule] ?? null;
  const times = { openedAt: new Date(openedAt).toISOString(), at: new Date(nowMs).toISOString() };
  const name = `${rule}-${openedAt}`;
  return { id: `alert-${name}-${state}`, body: { incident: name, rule, state, value, threshold, ...times, text } };
}
