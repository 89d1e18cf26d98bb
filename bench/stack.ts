/** `npm run bench -- stack`: whether the local stack is fast enough not to be what other benches measure. */
import { deliveryCount, idleWatchedMs, measureDeliveries, measureIdle } from "./stack/queue.ts";
import type { DeliverySample, IdleSample } from "./stack/queue.ts";
import { measureRedis, type RedisSample } from "./stack/redis.ts";
import { spread } from "./spread.ts";

const rounds = 7;
const idleRounds = 3;

/** Measures and returns the section of bench/RESULTS.md. */
export async function benchStack(): Promise<string> {
  const redis = await measureRedis(rounds);
  const deliveries = await measureDeliveries(rounds);
  const idle = await measureIdle(idleRounds);
  return [
    "## The local stack",
    "",
    ...redisLines(redis),
    "",
    ...deliveryLines(deliveries),
    "",
    ...idleLines(idle),
    "",
  ].join("\n");
}

function redisLines({ latencyMs, cpuMs }: RedisSample): string[] {
  const row = (title: string, { front, shim }: RedisSample["cpuMs"], factor: number): string => {
    const ratios = front.map((value, index) => value / (shim[index] ?? Number.NaN));
    const [ours, bare] = [front, shim].map((values) =>
      spread(
        values.map((value) => value * factor),
        0,
      ),
    );
    return `| ${title} | ${ours} | ${bare} | ${spread(ratios)} |`;
  };
  return [
    `Medians of ${rounds} rounds, in brackets the lowest and highest; what is compared is measured in turn within each round.`,
    "",
    "One Redis command over REST (`SET` and `GET` by turns), against the least that a Node HTTP server can do to pass one on:",
    "both in one process, each over an embedded Valkey. The shim checks no token, keeps no bill and knows one encoding.",
    "",
    "| µs | stack | bare shim | ratio |",
    "|---|---|---|---|",
    row("one after the other, as the client sees it", latencyMs, 1_000),
    row("CPU of the server, 32 connections", cpuMs, 1_000),
  ];
}

function deliveryLines(samples: readonly DeliverySample[]): string[] {
  return [
    `${deliveryCount} messages of 36 bytes, published over 16 connections and delivered to a server that answers 200 at once: accepted,`,
    "signed, delivered on a connection of their own, and noted in the event log. CPU is that of the stack's one process.",
    "",
    "| state | deliveries a second | CPU ms for each | deliveries a second of one core |",
    "|---|---|---|---|",
    ...samples.map(({ keeping, deliveriesPerSecond, cpuMs }) => {
      const ofOneCore = cpuMs.map((ms) => 1_000 / ms);
      const state = keeping === "persist" ? "`--persist`" : "in memory";
      return `| ${state} | ${spread(deliveriesPerSecond, 0)} | ${spread(cpuMs)} | ${spread(ofOneCore, 0)} |`;
    }),
  ];
}

function idleLines(samples: readonly IdleSample[]): string[] {
  return [
    `CPU of the stack's process while messages wait for a day, over ${idleWatchedMs / 1_000} s, and what it cost to take and to cancel each.`,
    "",
    "| messages that wait | CPU ms, idle | CPU ms to accept one | CPU ms to cancel one |",
    "|---|---|---|---|",
    ...samples.map(({ waitingCount, idleCpuMs, acceptCpuMsEach, cancelCpuMsEach }) => {
      const each = waitingCount === 0 ? "| |" : `${acceptCpuMsEach.toFixed(2)} | ${cancelCpuMsEach.toFixed(3)} |`;
      return `| ${waitingCount} | ${spread(idleCpuMs, 0)} | ${each}`;
    }),
  ];
}
