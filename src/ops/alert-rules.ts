/**
 * When operators are told, as pure rules: an incident opens when a reading reaches its threshold and is over when it is below it again.
 *
 * L1 Of one rule at most one incident is open.
 * L2 Each incident is told of once when it opens and once when it is over, under ids that stay the same however often telling is tried.
 */

export const alertRules = ["parkedRuns", "deadLetters", "failures", "spendUsd"] as const;
export type AlertRule = (typeof alertRules)[number];

/** What is looked at. A reading that could not be had is absent, and changes nothing. */
export type Readings = Readonly<Partial<Record<AlertRule, number>>>;

/** From which reading on; a rule without one is off. */
export type Thresholds = Readonly<Partial<Record<AlertRule, number>>>;

export interface Incident {
  readonly rule: AlertRule;
  /** Unix ms; names the incident together with the rule. */
  readonly openedAt: number;
  readonly value: number;
  /** Whether the webhook was told of its opening. */
  readonly isTold: boolean;
}

export interface AlertDecision {
  /** To be told of: new ones, and those of which nobody could be told yet. */
  readonly opened: readonly Incident[];
  readonly resolved: readonly Incident[];
}

export function judgeAlerts(o: {
  readonly readings: Readings;
  readonly thresholds: Thresholds;
  readonly open: readonly Incident[];
  readonly nowMs: number;
}): AlertDecision {
  const opened: Incident[] = [];
  const resolved: Incident[] = [];
  for (const rule of alertRules) {
    const threshold = o.thresholds[rule];
    const incident = o.open.find((one) => one.rule === rule);
    const value = o.readings[rule];
    // A rule that was switched off has nothing open any more.
    const isOver = threshold === undefined || (value !== undefined && value < threshold);
    if (incident !== undefined && isOver) resolved.push(incident);
    else if (incident?.isTold === false) opened.push(incident);
    else if (incident === undefined && !isOver && value !== undefined) {
      opened.push({ rule, openedAt: o.nowMs, value, isTold: false });
    }
  }
  return { opened, resolved };
}

const words: Readonly<Record<AlertRule, (value: number) => string>> = {
  parkedRuns: (value) => `${value} runs are parked and wait for a person`,
  deadLetters: (value) => `the queue has given up ${value} messages`,
  failures: (value) => `${value} requests failed within ten minutes`,
  spendUsd: (value) => `models have cost ${value.toFixed(2)} US dollars today`,
};

export function wordsOf({ rule, value }: Pick<Incident, "rule" | "value">): string {
  return words[rule](value);
}
