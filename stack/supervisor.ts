/**
 * What `npm start` runs: the local stack, the web app and the Worker, until Ctrl-C.
 *
 * Environment: STACK_PORT (8080), APP_PORT (8787), REDIS_URL (an embedded Redis without it), STACK_DATA (.stack/data; where the
 * state is kept). `--fresh` begins with an empty state. A `.dev.vars` is read, so a real model or a real Upstash database can be
 * put there; it is never written.
 */
import "./quiet-warnings.ts";
import path from "node:path";
import { parseArgs } from "node:util";
import { openAppLog } from "./app-log.ts";
import { whyNotReady } from "./ask-ready.ts";
import { buildWebIfStale } from "./build-web.ts";
import { explainFailure, onInterrupt, parsePort } from "./command-line.ts";
import { devVarNames } from "./dev-vars.ts";
import { appFolder, stackFolder } from "./env-files.ts";
import { freePort } from "./free-port.ts";
import { ownEncryptionKeys } from "./own-key.ts";
import { PortTakenError } from "./port-taken.ts";
import { startApp } from "./start-app.ts";
import type { RunningApp } from "./start-app.ts";
import { startStack } from "./start-stack.ts";
import type { RunningStack } from "./start-stack.ts";

const startedAtMs = Date.now();
let stack: RunningStack | undefined;
let app: RunningApp | undefined;
let appPort = 0;
let isStopping = false;

// From the first moment, for a first build takes some seconds and people change their mind.
onInterrupt(stopAll);
try {
  const { values } = parseArgs({ options: { fresh: { type: "boolean" } } });
  appPort = parsePort(process.env["APP_PORT"], 8787, "APP_PORT");
  // Both ports are tried before anything is built: a taken one is said at once.
  appPort = await freePort(appPort);
  await startAll(parsePort(process.env["STACK_PORT"], 8080, "STACK_PORT"), values.fresh === true);
} catch (cause) {
  await stopAll();
  const isAppPort = cause instanceof PortTakenError && cause.port === appPort;
  explainFailure(cause, {
    portSetting: isAppPort ? "APP_PORT=8788 npm start" : "STACK_PORT=8081 npm start",
    folderSetting: "STACK_DATA=.stack/other npm start",
  });
}

async function startAll(port: number, isFresh: boolean): Promise<void> {
  const redisUrl = process.env["REDIS_URL"];
  const hasRedis = redisUrl !== undefined && redisUrl !== "";
  const building = buildWebIfStale();
  // Awaited below; a failure that comes before must not count as unhandled.
  building.catch(() => {});
  const persistDir = dataFolder();
  // The Worker comes up after the stack, and what waits in the queue is for the Worker.
  stack = await startStack({ port, persistDir, isFresh, takesUpLater: true, ...(hasRedis ? { redisUrl } : {}) });
  console.log("Starting the web app and the Worker …");
  await building;
  const log = openAppLog(logFile(), (text) => console.error(text));
  const bindings = { ENCRYPTION_KEYS: ownEncryptionKeys(persistDir) };
  app = await startApp({
    port: appPort,
    stack,
    bindings,
    usesDevVars: true,
    onLine: log.write,
    onRevival: log.say,
  });
  app.exited.then(leaveWithApp, leaveWithApp);
  stack.takeUp();
  console.log(`
Skipstone is running at ${app.url}  (ready in ${((Date.now() - startedAtMs) / 1000).toFixed(1)} s)

  App      ${app.url}
  Stack    ${stack.url}  (Redis /redis, QStash /v2, model /v1, control /_stack)
  Data     ${path.relative(process.cwd(), persistDir)}; npm start -- --fresh begins anew
  Redis    ${redisInUse(hasRedis)}
  Model    ${modelInUse()}
  Log      ${path.relative(process.cwd(), log.file)}

Ctrl-C stops everything.`);
  const why = await whyNotReady(app.url);
  if (why !== undefined && !isStopping) {
    console.error(`\nIt runs, but is not ready (${why}): npm run doctor names what is wrong and what mends it.`);
  }
}

function redisInUse(hasRedisUrl: boolean): string {
  const { set } = devVarNames();
  if (set.has("UPSTASH_REDIS_REST_URL") || set.has("UPSTASH_REDIS_URL")) return "yours, from .dev.vars";
  return hasRedisUrl ? "yours, from REDIS_URL" : "embedded; saved every 2 s and at the end";
}

function dataFolder(): string {
  return path.resolve(process.env["STACK_DATA"] || path.join(stackFolder, "data"));
}

/** Of its own for each port, as two may run beside each other. */
function logFile(): string {
  return path.join(appFolder(appPort), "app.log");
}

function modelInUse(): string {
  if (devVarNames().set.has("MODEL_BASE_URL")) return "yours, from .dev.vars";
  return "an offline demo model; put MODEL_BASE_URL, MODEL_API_KEY and MODEL_NAME into .dev.vars for a real one";
}

async function stopAll(): Promise<void> {
  isStopping = true;
  await app?.close();
  await stack?.close();
}

/** Without the Worker there is nothing to supervise. */
function leaveWithApp(): void {
  if (isStopping) return;
  console.error("The Worker ended by itself; its log says why.");
  void stopAll().then(() => process.exit(1));
}
