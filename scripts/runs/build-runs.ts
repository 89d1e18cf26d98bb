/** The runs of this build and what their code is given, for running that code over a journal: no step runs, so nobody is called. */
import { parseEnv } from "node:util";
import { existsSync, readFileSync } from "node:fs";
import { createWire } from "../../src/wire.ts";
import type { RunServices } from "../../src/wire/runs.ts";
import type { RunRegistry } from "../../src/engine/run-definition.ts";
import { jsonLog } from "../../src/system/log.ts";
import type { Invocation } from "../../src/wire/adapters.ts";
import { statedFile } from "../environment/command-line.ts";

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

/**
 * The environment, over the developer's own `.dev.vars` or another such file, over stand-ins for all but Redis.
 *
 * @throws Error in words for another file that is not there.
 */
export function readBindings(option?: string, env: Texts = process.env): Record<string, string> {
  const file = statedFile(option);
  const own = existsSync(file) ? parseEnv(readFileSync(file, "utf8")) : {};
  return { ...standIns, ...withoutEmpty(own), ...withoutEmpty(env) };
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
