/** What the calls to the local stack would have been billed by Upstash and by a model provider. */
export interface Ledger {
  /** Billed Redis commands. The name is counted in upper case; `count` defaults to 1. */
  command(name: string, key: string | undefined, count?: number): void;
  /** One billed QStash message: each delivery attempt is one. */
  message(url: string): void;
  modelCall(model: string): void;
  /** One HTTP request to the Redis front, however many commands it carried. */
  roundTrip(): void;
  /** A snapshot: later calls do not change it. */
  read(): LedgerReading;
  reset(): void;
}

export interface LedgerReading {
  commands: number;
  byCommand: Record<string, number>;
  /** Commands without a key are missing here. */
  byKeyPrefix: Record<string, number>;
  roundTrips: number;
  messages: number;
  byUrl: Record<string, number>;
  modelCalls: number;
}

/** An empty ledger in memory. Callers may send anything as names, so the tallies are maps and not objects. */
export function createLedger(): Ledger {
  const byCommand = new Map<string, number>();
  const byKeyPrefix = new Map<string, number>();
  const byUrl = new Map<string, number>();
  let roundTrips = 0;
  let modelCalls = 0;
  return {
    command(name, key, count = 1) {
      tally(byCommand, name.toUpperCase(), count);
      if (key !== undefined) tally(byKeyPrefix, keyPrefix(key), count);
    },
    message: (url) => tally(byUrl, url, 1),
    modelCall: () => void modelCalls++,
    roundTrip: () => void roundTrips++,
    read: () => ({
      commands: total(byCommand),
      byCommand: Object.fromEntries(byCommand),
      byKeyPrefix: Object.fromEntries(byKeyPrefix),
      roundTrips,
      messages: total(byUrl),
      byUrl: Object.fromEntries(byUrl),
      modelCalls,
    }),
    reset() {
      for (const counts of [byCommand, byKeyPrefix, byUrl]) counts.clear();
      roundTrips = 0;
      modelCalls = 0;
    },
  };
}

/** `memory:conversations:{ada}:42` counts under `memory:conversations`; without a hash tag the first word counts. */
function keyPrefix(key: string): string {
  const tag = key.indexOf("{");
  if (tag > 0) return key.slice(0, tag).replace(/:$/, "");
  const colon = key.indexOf(":");
  return colon > 0 ? key.slice(0, colon) : key;
}

/** Names come from outside; beyond this many they are counted together. */
const NAMES_MAX = 1_000;

function tally(counts: Map<string, number>, given: string, count: number): void {
  const name = counts.has(given) || counts.size < NAMES_MAX ? given : "(other)";
  counts.set(name, (counts.get(name) ?? 0) + count);
}

function total(counts: Map<string, number>): number {
  let sum = 0;
  for (const count of counts.values()) sum += count;
  return sum;
}
