import { Secret } from "../../src/core/secret.ts";
import type { RunFeed } from "../../src/engine/follow-run.ts";
import type { BudgetBook, DueRuns, Journal, RunIndex, RunRef } from "../../src/engine/journal.ts";
import { systemRandom } from "../../src/system/random.ts";
import { upstashClient, type RedisClient } from "../../src/upstash/batch.ts";
import { upstashDueRuns } from "../../src/upstash/due-registry.ts";
import { upstashRunFeed } from "../../src/upstash/event-feed.ts";
import { upstashJournal, upstashRunIndex } from "../../src/upstash/journal.ts";
import { createVault } from "../../src/upstash/vault.ts";
import { manualClock } from "../fakes/clock.ts";
import { memoryJournal } from "../fakes/memory-journal.ts";
import { startRedisServer, type RedisServer } from "./redis-server.ts";

export type RunStore = Journal & DueRuns & RunIndex & BudgetBook & RunFeed;

export interface JournalStores {
  readonly server: RedisServer;
  readonly redis: RedisClient;
  readonly clock: ReturnType<typeof manualClock>;
  /** The fake that unit tests trust, or the adapter that production uses, with or without encryption at rest; empty. */
  empty(kind: StoreKind): Promise<RunStore>;
}

export const storeKinds = ["memory", "upstash", "sealed"] as const;
export type StoreKind = (typeof storeKinds)[number];

export async function startJournalStores(): Promise<JournalStores> {
  const server = await startRedisServer();
  const token = new Secret(server.token);
  const clear = upstashClient({ url: server.url, token, timeoutMs: 5_000 });
  const key = { id: "k", key: new Secret(btoa("0123456789abcdef0123456789abcdef")) };
  const vault = createVault({ keys: [key], clear: "refuse", random: systemRandom });
  const sealing = upstashClient({ url: server.url, token, timeoutMs: 5_000, vault });
  const clock = manualClock();
  return {
    server,
    redis: clear,
    clock,
    async empty(kind) {
      if (kind === "memory") return memoryJournal();
      await clear.command(["FLUSHDB"], String);
      const [redis, vaultOfFeed] = kind === "sealed" ? [sealing, vault] : [clear, undefined];
      return {
        ...upstashJournal(redis, clock),
        ...upstashDueRuns(redis),
        ...upstashRunIndex(redis),
        ...upstashRunFeed({ url: server.url, token, vault: vaultOfFeed, fetch: (url, init) => fetch(url, init) }),
      };
    },
  };
}

let count = 0;

export function freshRef(): RunRef {
  return { userId: "usr_1", runId: `run_${(count += 1)}` };
}

/** What is learned about a definition is kept by the adapter for a minute, over all tests. */
export function freshDefinition(): string {
  return `definition-${(count += 1)}@1`;
}

export const times = { startedAtMs: 1_000, dueAtMs: 2_000 };

export function entriesOf(...names: string[]): string[] {
  return names.map((name) => `s 0 1 done {"step":"${name} ß 雪 \\"\\n"}`);
}
