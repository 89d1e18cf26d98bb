export type FaultServer = "redis" | "qstash" | "delivery" | "model";

export interface FaultRule {
  id: string;
  server: FaultServer;
  /** Substring of the request line and body, in any case; absent matches every request. */
  match?: string;
  action: "delay" | "drop-before" | "drop-after" | "duplicate" | "truncate" | "status";
  delayMs?: number;
  status?: number;
  headers?: Record<string, string>;
  body?: string;
  truncateBytes?: number;
  /** How many times the rule fires; absent means until it is removed. */
  count?: number;
}

/** The faults that the local stack shall commit, shared by all of its fronts. */
export interface FaultBook {
  add(rule: Omit<FaultRule, "id">): FaultRule;
  /** False when no rule has this id. */
  remove(id: string): boolean;
  clear(): void;
  /** Copies, in the order in which they would be tried. */
  list(): FaultRule[];
  /** The first rule that matches; each call uses up one of its `count`. Undefined when all is to go well. */
  take(server: FaultServer, subject: string): FaultRule | undefined;
}

/** An empty book. Rules fire in the order of their addition; a rule whose count is used up leaves the book. */
export function createFaultBook(): FaultBook {
  let rules: FaultRule[] = [];
  let added = 0;
  return {
    add(rule) {
      const entry: FaultRule = { ...rule, id: `fault-${++added}` };
      if (entry.count === undefined || entry.count > 0) rules.push(entry);
      return { ...entry };
    },
    remove(id) {
      const before = rules.length;
      rules = rules.filter((rule) => rule.id !== id);
      return rules.length < before;
    },
    clear() {
      rules = [];
    },
    list() {
      return rules.map((rule) => ({ ...rule }));
    },
    take(server, subject) {
      const found = rules.find((rule) => rule.server === server && isMatch(rule, subject));
      if (found === undefined) return undefined;
      const taken = { ...found };
      if (found.count !== undefined && --found.count <= 0) rules = rules.filter((rule) => rule !== found);
      return taken;
    },
  };
}

/** SDKs send command names in lower case and people write them in upper case, so case is ignored. */
function isMatch(rule: FaultRule, subject: string): boolean {
  return rule.match === undefined || subject.toLowerCase().includes(rule.match.toLowerCase());
}
