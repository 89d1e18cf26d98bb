/** Numbers in the text format of Prometheus. Source: its exposition format, version 0.0.4. */
import type { Tally } from "../core/tally.ts";

interface Sample {
  readonly labels?: Readonly<Record<string, string>>;
  readonly value: number;
}

interface Family {
  readonly name: string;
  readonly type: "counter" | "gauge";
  readonly help: string;
  readonly samples: readonly Sample[];
}

/** Of this isolate alone: the label keeps each isolate's series apart, for a scrape reaches one of many. */
export function isolateFamilies(tally: Tally, isolate: string): Family[] {
  const one = (value: number): Sample[] => [{ labels: { isolate }, value }];
  const requests = [...tally.requests].map(([key, value]) => {
    const [method, route, status] = JSON.parse(key) as [string, string, string];
    return { labels: { isolate, method, route, status }, value };
  });
  const decisions = [...tally.decisions].map(([key, value]) => {
    const [limiter, decision] = JSON.parse(key) as [string, string];
    return { labels: { isolate, limiter, decision }, value };
  });
  const total = (name: string, help: string, samples: readonly Sample[]): Family => ({
    name: `skipstone_${name}`,
    type: "counter",
    help,
    samples,
  });
  return [
    total("requests_total", "Requests that this isolate has answered.", requests),
    total("rate_limit_decisions_total", "What the rate limiters have decided.", decisions),
    total("redis_commands_total", "Redis commands as they are billed.", one(tally.redis.commands)),
    total("redis_round_trips_total", "Requests to Redis.", one(tally.redis.roundTrips)),
    total("redis_failed_round_trips_total", "Requests to Redis that got no answer.", one(tally.redis.failures)),
    total("redis_wait_seconds_total", "Time that requests to Redis took.", one(tally.redis.waitedMs / 1000)),
    total("model_input_tokens_total", "Tokens that models were sent.", one(tally.inputTokens)),
    total("model_output_tokens_total", "Tokens that models wrote.", one(tally.outputTokens)),
    total("model_cost_usd_total", "What models cost by MODEL_PRICES.", one(tally.microUsd / 1e6)),
    {
      name: "skipstone_isolate_start_seconds",
      type: "gauge",
      help: "When this isolate began to count, in unix seconds.",
      samples: one(tally.startedAtMs / 1000),
    },
  ];
}

export function gaugeFamilies(
  gauges: Readonly<Record<string, { readonly help: string; readonly value: number }>>,
): Family[] {
  return Object.entries(gauges).map(([name, { help, value }]) => ({
    name: `skipstone_${name}`,
    type: "gauge",
    help,
    samples: [{ value }],
  }));
}

export function metricsText(families: readonly Family[]): string {
  return families.map(familyText).join("");
}

function familyText({ name, type, help, samples }: Family): string {
  const lines = samples.map(({ labels = {}, value }) => {
    const pairs = Object.entries(labels).map(([label, text]) => `${label}="${escaped(text)}"`);
    return `${name}${pairs.length === 0 ? "" : `{${pairs.join(",")}}`} ${value}\n`;
  });
  return `# HELP ${name} ${help}\n# TYPE ${name} ${type}\n${lines.join("")}`;
}

function escaped(text: string): string {
  return text.replaceAll("\\", "\\\\").replaceAll('"', '\\"').replaceAll("\n", "\\n");
}
