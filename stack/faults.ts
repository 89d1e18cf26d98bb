export type FaultServer = "redis" | "qstash" | "delivery" | "model" | "restaurant";

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
  /** Fires at every n-th request that matches, the n-th first; absent means at each. */
  every?: number;
}

/** The faults that the local stack shall commit, shared by all of its fronts. */
export interface FaultBook {
  add(rule: Omit<FaultRule, "id">): FaultRule;
  /** False when no rule has this id. */
  remove(id: string): boolean;
  clear(): void;
  /** Copies, in the order in which they would be tried. */
  list(): FaultRule[];
  /**
   * The first rule that matches; each call uses up one of its `count`. Undefined when all is to go well. A subject that costs
   * something to make is given as a function, which is called only when there is a rule that it may match.
   */
  take(server: FaultServer, subject: string | (() => string)): FaultRule | undefined;
}

/** An empty book. Rules fire in the order of their addition; a rule whose count is used up leaves the book. */
export function createFaultBook(): FaultBook {
  let entries: { rule: FaultRule; matches: number }[] = [];
  let added = 0;

  return {
    add(given) {
      const rule: FaultRule = { ...given, id: `fault-${++added}` };
      if (rule.count === undefined || rule.count > 0) entries.push({ rule, matches: 0 });
      return { ...rule };
    },
    remove(id) {
      const before = entries.length;
      entries = entries.filter(({ rule }) => rule.id !== id);
      return entries.length < before;
    },
    clear() {
      entries = [];
    },
    list() {
      return entries.map(({ rule }) => ({ ...rule }));
    },
    take(server, subject) {
      const ofServer = entries.filter(({ rule }) => rule.server === server);
      if (ofServer.length === 0) return undefined;
      const text = typeof subject === "string" ? subject : subject();
      const found = ofServer.find(
        (entry) => isMatch(entry.rule, text) && (entry.matches += 1) % (entry.rule.every ?? 1) === 0,
      );
      if (found === undefined) return undefined;
      const { rule } = found;
      const taken = { ...rule };
      if (rule.count !== undefined && --rule.count <= 0) entries = entries.filter((entry) => entry !== found);
      return taken;
    },
  };
}

/** SDKs send command names in lower case and people write them in upper case, so case is ignored. */
function isMatch(rule: FaultRule, subject: string): boolean {
  return rule.match === undefined || subject.toLowerCase().includes(rule.match.toLowerCase());
}
