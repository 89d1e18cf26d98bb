/**
 * A simulated world over the real adapters: Upstash's client, the scripts, the REST front, and a Valkey inside this process.
 *
 * Whatever happens there happens on the fake, too, and both must give the same answer: so each seed is a contract test of the fake as well.
 */
import { Secret } from "../../src/core/secret.ts";
import { foldRun } from "../../src/engine/fold-run.ts";
import { upstashClient } from "../../src/upstash/batch.ts";
import { upstashDueRuns } from "../../src/upstash/due-registry.ts";
import { upstashRunFeed } from "../../src/upstash/event-feed.ts";
import { upstashJournal } from "../../src/upstash/journal.ts";
import { journalVolumeKey } from "../../src/upstash/keys.ts";
import { readText } from "../../src/upstash/reply.ts";
import { startRedisServer } from "../contract/redis-server.ts";
import { memoryJournal } from "../fakes/memory-journal.ts";
import { storageCalls } from "./engine-in.ts";
import { lookInto, type SimulatedStorage } from "./storage.ts";
import type { Storage } from "./things.ts";
import { wrap } from "./wrap.ts";

export interface SimulatedRedis {
  /** An empty database. */
  empty(): Promise<SimulatedStorage>;
  close(): Promise<void>;
}

export async function startSimulatedRedis(): Promise<SimulatedRedis> {
  const server = await startRedisServer();
  const token = new Secret(server.token);
  const redis = upstashClient({ url: server.url, token, timeoutMs: 60_000 });
  // What was learned is kept by the adapter as long as its clock stands still; the names of definitions differ from seed to seed.
  const journal = upstashJournal(redis, { now: () => 0 });
  const real: Storage = { ...journal, ...upstashDueRuns(redis) };
  return {
    close: () => server.close(),
    async empty() {
      await redis.command(["FLUSHDB"], readText);
      const fake = memoryJournal();
      const disagreements: string[] = [];
      return {
        ...lookInto(fake),
        disagreements,
        storage: inBoth(real, fake, disagreements),
        feed: upstashRunFeed({ url: server.url, token, fetch: (url, init) => fetch(url, init) }),
        entries: (ref) => journal.read(ref, 0),
        async isExpiring(ref) {
          const { volume } = foldRun(fake.entries(ref)).state;
          const ttl = await redis.command(["TTL", journalVolumeKey(ref.userId, ref.runId, volume)], Number);
          return ttl > 0;
        },
        async settle() {
          for (let turn = 0; turn < 300; turn += 1) await new Promise((resolve) => setImmediate(resolve));
        },
      };
    },
  };
}

function inBoth(real: Storage, fake: Storage, disagreements: string[]): Storage {
  return wrap(real, storageCalls, async (name, effect, args) => {
    const answer = await effect();
    const expected = await (fake[name as keyof Storage] as (...given: readonly unknown[]) => Promise<unknown>)(...args);
    if (JSON.stringify(answer) !== JSON.stringify(expected)) {
      disagreements.push(
        `F: ${name} of ${JSON.stringify(args)} is ${JSON.stringify(answer)}, for the fake ${JSON.stringify(expected)}`,
      );
    }
    return answer;
  });
}
