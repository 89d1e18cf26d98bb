/** What the control routes accept, checked and refused in words: a test with a typo must fail at the typo. */
import type { FaultRule, FaultServer } from "./faults.ts";
import { trafficCountMax, type TrafficServer } from "./traffic.ts";

export type ClockCommand = { action: "freeze" } | { action: "release" } | { action: "advance"; ms: number };

const SERVERS: readonly FaultServer[] = ["redis", "qstash", "delivery", "model", "restaurant"];
const ACTIONS: readonly FaultRule["action"][] = [
  "delay",
  "drop-before",
  "drop-after",
  "duplicate",
  "truncate",
  "status",
];
const FAULT_FIELDS = {
  server: "string",
  match: "string",
  action: "string",
  delayMs: "number",
  status: "number",
  headers: "object",
  body: "string",
  truncateBytes: "number",
  count: "number",
  every: "number",
} as const;

/** Reads `{action: "freeze" | "release"}` or `{action: "advance", ms}`. @throws Error in words. */
export function parseClockCommand(body: unknown): ClockCommand {
  const { action, ms } = asRecord(body);
  if (action === "freeze" || action === "release") return { action };
  if (action !== "advance") throw new Error('action must be "freeze", "advance" or "release"');
  if (typeof ms !== "number" || !Number.isFinite(ms) || ms < 0) throw new Error("ms must be a number, 0 or more");
  return { action, ms };
}

/** Reads a fault rule without its id. Unknown fields are refused. @throws Error in words. */
export function parseFaultRule(body: unknown): Omit<FaultRule, "id"> {
  const rule = asRecord(body);
  for (const [name, value] of Object.entries(rule)) {
    const wanted = FAULT_FIELDS[name as keyof typeof FAULT_FIELDS];
    if (wanted === undefined)
      throw new Error(`unknown field ${name}; a fault has ${Object.keys(FAULT_FIELDS).join(", ")}`);
    if (typeof value !== wanted || value === null) throw new Error(`${name} must be of type ${wanted}`);
  }
  if (!SERVERS.includes(rule["server"] as FaultServer)) throw new Error(`server must be one of ${SERVERS.join(", ")}`);
  if (!ACTIONS.includes(rule["action"] as FaultRule["action"])) {
    throw new Error(`action must be one of ${ACTIONS.join(", ")}`);
  }
  const every = rule["every"];
  if (every !== undefined && !(Number.isInteger(every) && Number(every) >= 1))
    throw new Error("every must be 1 or more");
  return rule as unknown as Omit<FaultRule, "id">;
}

/** Reads `server=…&limit=…`, either of which may be missing. Anything else is refused. @throws Error in words. */
export function parseTrafficQuery(query: string): { server?: TrafficServer; limit?: number } {
  const wanted: { server?: TrafficServer; limit?: number } = {};
  for (const [name, value] of new URLSearchParams(query)) {
    if (name === "server") {
      const server = SERVERS.find((known) => known === value);
      if (server === undefined) throw new Error(`server must be one of ${SERVERS.join(", ")}`);
      wanted.server = server;
    } else if (name === "limit") {
      const limit = Number(value);
      if (!Number.isInteger(limit) || limit < 1 || limit > trafficCountMax)
        throw new Error(`limit must be a whole number from 1 to ${trafficCountMax}`);
      wanted.limit = limit;
    } else throw new Error(`unknown filter ${name}; there are server and limit`);
  }
  return wanted;
}

function asRecord(body: unknown): Record<string, unknown> {
  if (typeof body !== "object" || body === null || Array.isArray(body))
    throw new Error("the body must be a JSON object");
  return body as Record<string, unknown>;
}
