import type { TrafficServer } from "./traffic.ts";

/** What the calls to the local stack would have been billed by Upstash and by a model provider, and what they moved. */
export interface Ledger {
  /** Billed Redis commands. The name is counted in upper case; `count` defaults to 1. */
  command(name: string, key: string | undefined, count?: number): void;
  /** In: the arguments of a Redis command with this key. Out: the values of its reply. */
  keyBytes(key: string, moved: Moved): void;
  /** One billed QStash message: each delivery attempt is one. */
  message(url: string): void;
  /** Out: the body of a delivery to this URL. In: that of its answer. */
  urlBytes(url: string, moved: Moved): void;
  /** The bodies of a request to one of the servers and of its answer. Deliveries count by themselves. */
  serverBytes(server: Exclude<TrafficServer, "delivery">, moved: Moved): void;
  modelCall(model: string): void;
  /** One request that embedded `texts` texts. */
  embeddingCall(texts: number): void;
  /** One HTTP request to the Redis front, however many commands it carried. */
  roundTrip(): void;
  /** A snapshot: later calls do not change it. */
  read(): LedgerReading;
  reset(): void;
}

/** Of bodies, without headers, seen from the stack: what came in, what went out. */
export interface Moved {
  in: number;
  out: number;
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
  bytes: Record<TrafficServer, Moved>;
  bytesByKeyPrefix: Record<string, Moved>;
  bytesByUrl: Record<string, Moved>;
  embeddingCalls: number;
  embeddedTexts: number;
}

/** An empty ledger in memory. Callers may send anything as names, so the tallies are maps and not objects. */
export function createLedger(): Ledger {
  const byCommand = new Map<string, number>();
  const byKeyPrefix = new Map<string, number>();
  const byUrl = new Map<string, number>();
  const bytesByServer = new Map<string, Moved>();
  const bytesByKeyPrefix = new Map<string, Moved>();
  const bytesByUrl = new Map<string, Moved>();
  const ofServer = (server: TrafficServer): Moved => ({ ...(bytesByServer.get(server) ?? { in: 0, out: 0 }) });
  let roundTrips = 0;
  let modelCalls = 0;
  let embeddingCalls = 0;
  let embeddedTexts = 0;
  return {
    command(name, key, count = 1) {
      tally(byCommand, name.toUpperCase(), count);
      if (key !== undefined) tally(byKeyPrefix, keyPrefix(key), count);
    },
    keyBytes: (key, moved) => add(bytesByKeyPrefix, keyPrefix(key), moved),
    message: (url) => tally(byUrl, url, 1),
    urlBytes(url, moved) {
      add(bytesByUrl, url, moved);
      add(bytesByServer, "delivery", moved);
    },
    serverBytes: (server, moved) => add(bytesByServer, server, moved),
    modelCall: () => void modelCalls++,
    embeddingCall(texts) {
      embeddingCalls += 1;
      embeddedTexts += texts;
    },
    roundTrip: () => void roundTrips++,
    read: () => ({
      commands: total(byCommand),
      byCommand: Object.fromEntries(byCommand),
      byKeyPrefix: Object.fromEntries(byKeyPrefix),
      roundTrips,
      messages: total(byUrl),
      byUrl: Object.fromEntries(byUrl),
      modelCalls,
      bytes: {
        redis: ofServer("redis"),
        qstash: ofServer("qstash"),
        model: ofServer("model"),
        delivery: ofServer("delivery"),
        restaurant: ofServer("restaurant"),
      },
      bytesByKeyPrefix: copyOf(bytesByKeyPrefix),
      bytesByUrl: copyOf(bytesByUrl),
      embeddingCalls,
      embeddedTexts,
    }),
    reset() {
      for (const counts of [byCommand, byKeyPrefix, byUrl]) counts.clear();
      for (const moved of [bytesByServer, bytesByKeyPrefix, bytesByUrl]) moved.clear();
      roundTrips = 0;
      modelCalls = 0;
      embeddingCalls = 0;
      embeddedTexts = 0;
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
  const name = boundedName(counts, given);
  counts.set(name, (counts.get(name) ?? 0) + count);
}

function add(totals: Map<string, Moved>, given: string, moved: Moved): void {
  const name = boundedName(totals, given);
  const known = totals.get(name);
  if (known === undefined) totals.set(name, { ...moved });
  else {
    known.in += moved.in;
    known.out += moved.out;
  }
}

function boundedName(names: ReadonlyMap<string, unknown>, given: string): string {
  return names.has(given) || names.size < NAMES_MAX ? given : "(other)";
}

function copyOf(totals: Map<string, Moved>): Record<string, Moved> {
  return Object.fromEntries([...totals].map(([name, moved]) => [name, { ...moved }]));
}

function total(counts: Map<string, number>): number {
  let sum = 0;
  for (const count of counts.values()) sum += count;
  return sum;
}
