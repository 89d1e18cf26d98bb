/**
 * The whole local stack in one process on one port.
 *
 * It owns the listening socket and the routing by prefix; each front owns its protocol. Fronts share one clock, one fault
 * book, one ledger and one record of the traffic, so a test can advance time, break any server and read what happened.
 *
 *   /redis/*   Upstash Redis REST (the prefix is stripped)
 *   /v2/*      QStash and Workflow
 *   /v1/*      the offline model
 *   /restaurant/*   the restaurant service of the example saga (the prefix is stripped)
 *   /_stack/*  control, see control.ts
 */
import { createServer } from "node:http";
import type { Server } from "node:http";
import type { AddressInfo } from "node:net";
import { createStackClock } from "./clock.ts";
import type { StackClock } from "./clock.ts";
import { createControl } from "./control.ts";
import { LOCAL_CREDENTIALS } from "./credentials.ts";
import { createFaultBook } from "./faults.ts";
import type { FaultBook } from "./faults.ts";
import { createLedger } from "./ledger.ts";
import type { Ledger } from "./ledger.ts";
import type { ModelControl } from "./model/model-control.ts";
import { createModelFront } from "./model/model-front.ts";
import { openState } from "./open-state.ts";
import { PortTakenError } from "./port-taken.ts";
import { createQstashFront } from "./qstash/qstash-front.ts";
import type { RestaurantControl } from "./restaurant/restaurant-control.ts";
import { createRestaurantFront } from "./restaurant/restaurant-front.ts";
import { note, SeenRequest, SeenResponse } from "./seen-http.ts";
import { createTraffic } from "./traffic.ts";
import type { Traffic } from "./traffic.ts";

export interface RunningStack {
  url: string;
  port: number;
  redisUrl: string;
  redisToken: string;
  redisReadOnlyToken: string;
  qstashUrl: string;
  qstashToken: string;
  currentSigningKey: string;
  nextSigningKey: string;
  modelBaseUrl: string;
  modelApiKey: string;
  restaurantUrl: string;
  clock: StackClock;
  faults: FaultBook;
  ledger: Ledger;
  /** The last requests and deliveries. */
  traffic: Traffic;
  /** Scripts the next answers of the model and reads what it was asked. */
  model: ModelControl;
  /** Orders what the restaurants refuse, and reads what they did. */
  restaurant: RestaurantControl;
  /** Begins to deliver what an earlier process left undone. Only needed with `takesUpLater`; a second call does nothing. */
  takeUp(): void;
  /** Resolves when QStash has no delivery under way or due. */
  qstashIdle(): Promise<void>;
  /** Closes every server, timer and connection. A second call does nothing. */
  close(): Promise<void>;
}

export interface StartStackOptions {
  /** 0 (the default) takes any free port. */
  port?: number;
  host?: string;
  /** A real Redis or Valkey; absent means one inside this process. */
  redisUrl?: string;
  /** Where the state is kept, but for that of a Redis by URL; absent means that it is forgotten at the end. */
  persistDir?: string;
  /** Begins with an empty state: what `persistDir` holds is deleted. */
  isFresh?: boolean;
  /** Longer deliveries to workflows come without their body, which the SDK fetches; absent means that none does. */
  lazyFetchBytes?: number;
  /** Leaves the messages of an earlier process alone until `takeUp` is called, for whom they are for may not run yet. */
  takesUpLater?: boolean;
}

/**
 * Starts every server of the stack and resolves once the port answers.
 *
 * @throws PortTakenError when somebody else listens on the port; FolderInUseError when another stack has the folder.
 */
export async function startStack(o: StartStackOptions = {}): Promise<RunningStack> {
  const host = o.host ?? "127.0.0.1";
  const clock = createStackClock();
  const faults = createFaultBook();
  const ledger = createLedger();
  const traffic = createTraffic();
  const books = { clock, ledger, traffic };
  const { redisToken, redisReadOnlyToken, modelApiKey } = LOCAL_CREDENTIALS;
  const { qstashToken, currentSigningKey, nextSigningKey } = LOCAL_CREDENTIALS;

  // The port is claimed before anything else starts, so a taken port fails at once and leaves nothing behind.
  const early: [SeenRequest, SeenResponse][] = [];
  let serve = (req: SeenRequest, res: SeenResponse): void => void early.push([req, res]);
  const server = createServer({ IncomingMessage: SeenRequest, ServerResponse: SeenResponse }, (req, res) =>
    serve(req, res),
  );
  const port = await listen(server, o.port ?? 0, host);
  const state = await openState(o).catch(giveUp);
  // Loaded here, since loading the embedded Redis prints a warning about WASI that quiet-warnings.ts must be there to catch.
  const { startRedisFront } = await import("./redis/redis-front.ts");
  const redisTokens = { token: redisToken, readOnlyToken: redisReadOnlyToken };
  const redis = await startRedisFront({ ...state.redis, ...redisTokens, faults, ledger }).catch((cause: unknown) => {
    state.storage.close();
    return giveUp(cause);
  });
  const model = createModelFront({ apiKey: modelApiKey, clock, faults, ledger });
  const restaurant = createRestaurantFront({ clock, faults, storage: state.storage });
  // Last, because it begins to deliver what it finds in the storage, and who is told may ask the others at once.
  const qstash = createQstashFront({
    token: qstashToken,
    currentSigningKey,
    nextSigningKey,
    ...books,
    faults,
    storage: state.storage,
    takesUpLater: o.takesUpLater ?? false,
    listensAt: { host, port },
    ...(o.lazyFetchBytes === undefined ? {} : { lazyFetchBytes: o.lazyFetchBytes }),
  });
  const control = createControl({ ...books, faults, model, restaurant });

  serve = (req, res) => {
    const name = frontOf(req.url ?? "/");
    if (name === undefined) return control.handle(req, res);
    note(books, name, req, res);
    if (name === "redis" || name === "restaurant") req.url = withoutPrefix(req.url ?? "/", `/${name}`);
    const front = { redis, qstash, model, restaurant }[name];
    front.handle(req, res);
  };
  for (const [req, res] of early.splice(0)) serve(req, res);

  async function giveUp(cause: unknown): Promise<never> {
    await closeServer(server);
    throw cause;
  }

  const url = `http://${host}:${port}`;
  let closing: Promise<void> | undefined;
  return {
    url,
    port,
    redisUrl: `${url}/redis`,
    redisToken,
    redisReadOnlyToken,
    qstashUrl: url,
    qstashToken,
    currentSigningKey,
    nextSigningKey,
    modelBaseUrl: `${url}/v1`,
    modelApiKey,
    restaurantUrl: `${url}/restaurant`,
    clock,
    faults,
    ledger,
    traffic,
    model,
    restaurant,
    takeUp: qstash.takeUp,
    qstashIdle: () => qstash.idle(),
    close() {
      closing ??= closeAll();
      return closing;
    },
  };

  async function closeAll(): Promise<void> {
    await qstash.close();
    await model.close();
    await closeServer(server);
    await redis.close();
    state.storage.close();
    clock.close();
  }
}

/** Undefined for the control routes, and for what is nowhere. */
function frontOf(url: string): "redis" | "qstash" | "model" | "restaurant" | undefined {
  if (isUnder(url, "/redis")) return "redis";
  if (isUnder(url, "/v2")) return "qstash";
  if (isUnder(url, "/restaurant")) return "restaurant";
  return isUnder(url, "/v1") ? "model" : undefined;
}

function isUnder(url: string, prefix: string): boolean {
  if (!url.startsWith(prefix)) return false;
  const next = url[prefix.length];
  return next === undefined || next === "/" || next === "?";
}

function withoutPrefix(url: string, prefix: string): string {
  const rest = url.slice(prefix.length);
  return rest.startsWith("/") ? rest : `/${rest}`;
}

function listen(server: Server<typeof SeenRequest, typeof SeenResponse>, port: number, host: string): Promise<number> {
  return new Promise((resolve, reject) => {
    server.once("error", (cause: NodeJS.ErrnoException) => {
      reject(cause.code === "EADDRINUSE" ? new PortTakenError(port) : cause);
    });
    server.listen(port, host, () => {
      server.removeAllListeners("error");
      resolve((server.address() as AddressInfo).port);
    });
  });
}

function closeServer(server: Server<typeof SeenRequest, typeof SeenResponse>): Promise<void> {
  return new Promise((resolve) => {
    server.close(() => resolve());
    server.closeAllConnections();
  });
}
