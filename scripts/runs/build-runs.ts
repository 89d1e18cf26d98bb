/** The runs of this build and what their code is given, for running that code over a journal: no step runs, so nobody is called. */
import { parseEnv } from "node:util";
import { existsSync, readFileSync } from "node:fs";
import { createWire } from "../../src/wire.ts";
import type { RunServices } from "../../src/wire/runs.ts";
import type { RunRegistry } from "../../src/engine/run-definition.ts";
import { jsonLog } from "../../src/system/log.ts";
import type { Invocation } from "../../src/wire/adapters.ts";
import { statedFile } from "../environment/command-line.ts";
import { devVarsFile, generatedFile } from "../environment/read-environment.ts";

export interface BuildRuns {
  readonly registry: RunRegistry<RunServices>;
  readonly services: RunServices;
}

type Texts = Readonly<Record<string, string | undefined>>;

/** What the code of a run is told of it may decide its way (prices do); the rest only has to be there. */
const standIns = {
  APP_URL: "http://replay.invalid",
  MODEL_BASE_URL: "http://replay.invalid",
  MODEL_API_KEY: "none",
  MODEL_NAME: "none",
  QSTASH_URL: "http://replay.invalid",
  QSTASH_CURRENT_SIGNING_KEY: "none",
  QSTASH_NEXT_SIGNING_KEY: "none",
  SESSION_SECRET: "replays-sign-nothing-with-this-secret",
  ENVIRONMENT: "development",
};

/** Redis too, for a replay that reads no Redis. */
const offlineStandIns = { UPSTASH_REDIS_REST_URL: "http://replay.invalid", UPSTASH_REDIS_REST_TOKEN: "none" };

/** The environment, over the developer's own `.dev.vars` or another such file, over stand-ins for all but Redis. */
export function readBindings(file = devVarsFile, env: Texts = process.env): Record<string, string> {
  return { ...standIns, ...textsIn(file), ...withoutEmpty(env) };
}

export interface LiveBindings {
  readonly bindings: Record<string, string>;
  /** Whether the Redis is the one that `npm start` runs, because nobody has named another. */
  readonly isOfNpmStart: boolean;
}

/**
 * The same for whoever asks a Redis.
 *
 * @param o.file stands for itself alone: nothing of this machine's app takes the place of what it lacks.
 * @throws Error in words where it is not there.
 */
export function readLiveBindings(
  o: {
    readonly file?: string | undefined;
    readonly own?: string;
    readonly npmStart?: string;
    readonly env?: Texts;
  } = {},
): LiveBindings {
  const { own = devVarsFile, env = process.env } = o;
  const { npmStart = generatedFile(env["APP_PORT"] ?? "8787") } = o;
  const file = o.file === undefined ? undefined : statedFile(o.file);
  const bindings = readBindings(file ?? own, env);
  const isNamed = redisNames.some((name) => bindings[name] !== undefined);
  if (file !== undefined || isNamed || !existsSync(npmStart)) return { bindings, isOfNpmStart: false };
  return { bindings: { ...standIns, ...textsIn(npmStart), ...textsIn(own), ...withoutEmpty(env) }, isOfNpmStart: true };
}

const redisNames = ["UPSTASH_REDIS_REST_URL", "UPSTASH_REDIS_URL"];

function textsIn(file: string): Record<string, string> {
  return existsSync(file) ? withoutEmpty(parseEnv(readFileSync(file, "utf8"))) : {};
}

/** @throws misconfigured with every problem of the bindings. */
export async function buildRuns(bindings: Texts): Promise<BuildRuns> {
  const wire = createWire(quietInvocation({ ...offlineStandIns, ...bindings }));
  return (await wire.runs()).engine;
}

/** Logs nothing: what there is to say is in the report. */
export function quietInvocation(env: Texts): Invocation {
  const log = jsonLog({ clock: { now: () => 0 }, level: "error", write: () => {} });
  return { env, log, waitUntil: () => {} };
}

function withoutEmpty(texts: Texts): Record<string, string> {
  return Object.fromEntries(Object.entries(texts).flatMap(([name, text]) => (text ? [[name, text]] : [])));
}
