/**
 * `npm run doctor`: is everything there, right and reachable? Each line says ok, or what is wrong and what mends it. No
 * value of a secret is printed. Exits 0 only if nothing is wrong.
 *
 *   npm run doctor -- --json --turns 5000 --runs 200
 */
import { parseArgs } from "node:util";
import { checkModel } from "../environment/check-model.ts";
import { checkQstash } from "../environment/check-qstash.ts";
import { checkRedis } from "../environment/check-redis.ts";
import type { Finding } from "../environment/finding.ts";
import { devVarsFile, readEnvironment, type Binding } from "../environment/read-environment.ts";
import { checkApp, checkBothKeys, checkDelivery } from "./check-app.ts";
import { checkEnvironment } from "./check-environment.ts";
import { forecast, prices, type Load } from "./forecast.ts";

interface Section {
  readonly title: string;
  readonly findings: readonly Finding[];
}

const { values: options } = parseArgs({
  options: {
    json: { type: "boolean", default: false },
    file: { type: "string", default: devVarsFile },
    turns: { type: "string", default: "100" },
    runs: { type: "string", default: "10" },
  },
});
const load = { turnsADay: countOf("turns", options.turns), runsADay: countOf("runs", options.runs) };
const sections: Section[] = [];
if (!options.json) console.log("Skipstone doctor");
for await (const section of examine(readEnvironment(options.file), load)) {
  sections.push(section);
  if (!options.json) print(section, sections.length);
}
const wrongs = sections.flatMap(({ findings }) => findings.filter(({ isOk }) => !isOk));
if (options.json) console.log(JSON.stringify({ isOk: wrongs.length === 0, sections }, null, 2));
else if (wrongs.length === 0) console.log("\n✓ Everything is configured and ready.");
else
  console.log(
    `\n✗ ${wrongs.length === 1 ? "One thing is" : `${wrongs.length} things are`} wrong; docs/troubleshooting.md helps.`,
  );
process.exitCode = wrongs.length === 0 ? 0 : 1;

/** What stands on something that is missing is left out: its line would only repeat the first. */
async function* examine(bindings: ReadonlyMap<string, Binding>, stated: Load): AsyncGenerator<Section> {
  const { config, findings } = checkEnvironment(bindings);
  yield { title: "Checking environment variables…", findings };
  const value = (...names: string[]): string =>
    names.map((name) => bindings.get(name)?.value ?? "").find((found) => found !== "") ?? "";
  const redisUrl = value("UPSTASH_REDIS_REST_URL", "UPSTASH_REDIS_URL");
  if (redisUrl !== "") {
    const token = value("UPSTASH_REDIS_REST_TOKEN", "UPSTASH_REDIS_TOKEN");
    yield { title: "Asking Redis…", findings: await checkRedis(redisUrl, token) };
  }
  if (value("QSTASH_TOKEN") !== "" && value("QSTASH_URL") !== "") {
    const keys = { current: value("QSTASH_CURRENT_SIGNING_KEY"), next: value("QSTASH_NEXT_SIGNING_KEY") };
    const access = { url: value("QSTASH_URL"), token: value("QSTASH_TOKEN") };
    yield { title: "Initializing QStash…", findings: await checkQstash(access, keys) };
  }
  if (value("MODEL_BASE_URL") !== "") {
    const access = { baseUrl: value("MODEL_BASE_URL"), apiKey: value("MODEL_API_KEY"), name: value("MODEL_NAME") };
    yield { title: "Asking the model…", findings: [await checkModel(access)] };
  }
  if (config === undefined) return;
  const app = await checkApp(config.appUrl);
  yield { title: "Asking the app…", findings: app };
  if (config.qstash !== undefined && app.every(({ isOk }) => isOk)) {
    const { appUrl, qstash } = config;
    const arrived = [await checkDelivery(appUrl, qstash), ...(await checkBothKeys(appUrl, qstash))];
    yield { title: "Delivering a signed message…", findings: arrived };
  }
  const words = `${stated.turnsADay} chat turns and ${stated.runsADay} runs a day, prices of ${prices.date}`;
  yield { title: `Plans and bill, for ${words}…`, findings: forecast(stated, config.workersPlan) };
}

function print({ title, findings }: Section, number: number): void {
  console.log(`\n${number}. ${title}`);
  for (const { isOk, words, mend } of findings) {
    console.log(`   ${isOk ? "✓" : "✗"} ${words}`);
    if (mend !== undefined) console.log(`     → ${mend}`);
  }
}

function countOf(name: string, text: string): number {
  if (/^\d{1,9}$/.test(text)) return Number(text);
  console.error(`--${name} is a whole number, of one day.`);
  process.exit(2);
}
