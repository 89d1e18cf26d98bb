/**
 * `npm run doctor`: is everything there, right and reachable? Each line says ok, or what is wrong and what mends it. No
 * value of a secret is printed. Exits 0 only if nothing is wrong. Environment, QStash and the last lines are worded as the
 * documents show them that this app follows.
 *
 *   npm run doctor -- --json --turns 5000 --runs 200
 *   npm run doctor -- --file .dev.vars.production     what is deployed by that file, without what `npm start` has set
 */
import { stackFolder } from "../../stack/env-files.ts";
import { checkModel } from "../environment/check-model.ts";
import { checkRedis } from "../environment/check-redis.ts";
import { findingFor, readOptions, refuse, statedFileOrEnd } from "../environment/command-line.ts";
import type { Finding } from "../environment/finding.ts";
import { devVarsFile, generatedFile, readEnvironment, readOwn } from "../environment/read-environment.ts";
import { checkApp, checkBothKeys, checkDelivery } from "./check-app.ts";
import { checkEnvironment, isFallbackAsked, queueNames, type BindingMap } from "./check-environment.ts";
import { checkQueue } from "./check-queue.ts";
import { appWords, findApp, mendedByStart, nothingSet } from "./find-app.ts";
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
const started = file === devVarsFile ? await findApp(stackFolder, process.env["APP_PORT"]) : undefined;
// Another file than that of `npm start` has to say all of it: what it lacks would be missing where it is used.
const bindings = started === undefined ? readOwn(file) : readEnvironment(file, generatedFile(started.port));
const sections: Section[] = [];
if (!options.json) console.log(`Skipstone doctor${started === undefined ? "" : appWords(started)}`);
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
  const title = "Checking environment variables…";
  if (started !== undefined && found.size === 0) {
    yield { title, findings: [nothingSet] };
    return;
  }
  const { config, findings } = checkEnvironment(found);
  yield { title, findings };
  yield* askServices(found);
  if (config === undefined) return;
  const app = mended(["APP_URL"], found, await checkApp(config.appUrl));
  yield { title: "Asking the app…", findings: app };
  if (config.queue === "qstash" && config.qstash !== undefined && app.every(({ isOk }) => isOk)) {
    const { appUrl, qstash } = config;
    const arrived = [await checkDelivery(appUrl, qstash), ...(await checkBothKeys(appUrl, qstash))];
    yield { title: "Delivering a signed message…", findings: arrived };
  }
  const words = `${stated.turnsADay} chat turns and ${stated.runsADay} runs a day, prices of ${prices.date}`;
  yield { title: `Plans and bill, for ${words}…`, findings: forecast(stated, config) };
}

async function* askServices(found: BindingMap): AsyncGenerator<Section> {
  const queue = mended(queueNames, found, await checkQueue(found));
  yield { title: "Initializing QStashService…", findings: queue };
  const first = (...names: string[]): string => names.find((name) => found.has(name)) ?? "";
  const value = (name: string): string => found.get(name)?.value ?? "";
  const redisUrl = first("UPSTASH_REDIS_REST_URL", "UPSTASH_REDIS_URL");
  if (redisUrl !== "") {
    const token = first("UPSTASH_REDIS_REST_TOKEN", "UPSTASH_REDIS_TOKEN");
    const findings = mended([redisUrl, token], found, await checkRedis(value(redisUrl), value(token)));
    yield { title: "Asking Redis…", findings };
  }
  if (found.has("MODEL_BASE_URL")) {
    const access = { baseUrl: value("MODEL_BASE_URL"), apiKey: value("MODEL_API_KEY"), name: value("MODEL_NAME") };
    const names = ["MODEL_BASE_URL", "MODEL_API_KEY", "MODEL_NAME"];
    yield { title: "Asking the model…", findings: mended(names, found, [await checkModel(access)]) };
  }
}

/** @param names of the bindings that somebody was asked with. */
function mended(names: readonly string[], found: BindingMap, findings: readonly Finding[]): readonly Finding[] {
  if (started === undefined) return findings;
  return mendedByStart(
    findings,
    names.map((name) => found.get(name)),
    started.port,
  );
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
