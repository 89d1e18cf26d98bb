/**
 * `npm run doctor`: is everything there, right and reachable? Each line says ok, or what is wrong and what mends it. No
 * value of a secret is printed. Exits 0 only if nothing is wrong. Environment, QStash and the last lines are worded as the
 * documents show them that this app follows.
 *
 *   npm run doctor -- --json --turns 5000 --runs 200
 *   npm run doctor -- --file .dev.vars.production     what is deployed by that file, without what `npm start` has set
 */
import { checkModel } from "../environment/check-model.ts";
import { checkRedis } from "../environment/check-redis.ts";
import { findingFor, readOptions, refuse, statedFileOrEnd } from "../environment/command-line.ts";
import type { Finding } from "../environment/finding.ts";
import { devVarsFile, generatedFile, readEnvironment, readOwn } from "../environment/read-environment.ts";
import { checkApp, checkBothKeys, checkDelivery } from "./check-app.ts";
import { checkEnvironment, isFallbackAsked, type BindingMap } from "./check-environment.ts";
import { checkQueue } from "./check-queue.ts";
import { forecast, prices, type Load } from "./forecast.ts";

interface Section {
  readonly title: string;
  readonly findings: readonly Finding[];
}

const options = readOptions({
  json: { type: "boolean", default: false },
  file: { type: "string", default: devVarsFile },
  turns: { type: "string", default: "100" },
  runs: { type: "string", default: "10" },
});
const load = { turnsADay: countOf("turns", options.turns), runsADay: countOf("runs", options.runs) };
const file = statedFileOrEnd(options.file);
// Another file than that of `npm start` has to say all of it: what it lacks would be missing where it is used.
const bindings =
  file === devVarsFile ? readEnvironment(file, generatedFile(process.env["APP_PORT"] ?? "8787")) : readOwn(file);
const sections: Section[] = [];
if (!options.json) console.log("Skipstone doctor");
for await (const { title, findings } of examine(bindings, load)) {
  const section = { title, findings: findings.map((finding) => findingFor(finding, file)) };
  sections.push(section);
  if (!options.json) print(section, sections.length);
}
const wrongs = sections.flatMap(({ findings }) => findings.filter(({ isOk }) => !isOk));
if (options.json) console.log(JSON.stringify({ isOk: wrongs.length === 0, sections }, null, 2));
else if (wrongs.length === 0) {
  if (!isFallbackAsked(bindings)) console.log("\n✓ QStash is fully configured and ready!");
  console.log("\n✓ Everything is configured and ready.");
} else
  console.log(
    `\n✗ ${wrongs.length === 1 ? "One thing is" : `${wrongs.length} things are`} wrong; docs/troubleshooting.md helps.`,
  );
process.exitCode = wrongs.length === 0 ? 0 : 1;

/** What stands on something that is missing is left out: its line would only repeat the first. */
async function* examine(found: BindingMap, stated: Load): AsyncGenerator<Section> {
  const { config, findings } = checkEnvironment(found);
  yield { title: "Checking environment variables…", findings };
  yield { title: "Initializing QStashService…", findings: await checkQueue(found) };
  const value = (...names: string[]): string =>
    names.map((name) => found.get(name)?.value ?? "").find((each) => each !== "") ?? "";
  const redisUrl = value("UPSTASH_REDIS_REST_URL", "UPSTASH_REDIS_URL");
  if (redisUrl !== "") {
    const token = value("UPSTASH_REDIS_REST_TOKEN", "UPSTASH_REDIS_TOKEN");
    yield { title: "Asking Redis…", findings: await checkRedis(redisUrl, token) };
  }
  if (value("MODEL_BASE_URL") !== "") {
    const access = { baseUrl: value("MODEL_BASE_URL"), apiKey: value("MODEL_API_KEY"), name: value("MODEL_NAME") };
    yield { title: "Asking the model…", findings: [await checkModel(access)] };
  }
  if (config === undefined) return;
  const app = await checkApp(config.appUrl);
  yield { title: "Asking the app…", findings: app };
  if (config.queue === "qstash" && config.qstash !== undefined && app.every(({ isOk }) => isOk)) {
    const { appUrl, qstash } = config;
    const arrived = [await checkDelivery(appUrl, qstash), ...(await checkBothKeys(appUrl, qstash))];
    yield { title: "Delivering a signed message…", findings: arrived };
  }
  const words = `${stated.turnsADay} chat turns and ${stated.runsADay} runs a day, prices of ${prices.date}`;
  yield { title: `Plans and bill, for ${words}…`, findings: forecast(stated, config) };
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
  return refuse(`--${name} is a whole number, of one day.`);
}
