/**
 * The control routes of the local stack, `/_stack/*`: for tests, the demo and curl. See stack/README.md for examples.
 *
 * They have no token, since the stack listens on this machine alone; a request that a web page of another site makes is
 * refused by its `Origin`, or any page in the developer's browser could steer the stack.
 */
import type { IncomingMessage, ServerResponse } from "node:http";
import type { StackClock } from "./clock.ts";
import { parseClockCommand, parseFaultRule, parseTrafficQuery } from "./control-input.ts";
import type { FaultBook } from "./faults.ts";
import type { Ledger } from "./ledger.ts";
import { parseBehaviours } from "./model/behaviour.ts";
import type { ModelControl } from "./model/model-control.ts";
import { parseOrders } from "./restaurant/orders.ts";
import type { RestaurantControl } from "./restaurant/restaurant-control.ts";
import { BodyTooLargeError, readBody } from "./read-body.ts";
import type { Traffic } from "./traffic.ts";

export interface ControlParts {
  clock: StackClock;
  faults: FaultBook;
  ledger: Ledger;
  traffic: Traffic;
  model: ModelControl;
  restaurant: RestaurantControl;
}

interface Answer {
  status: number;
  body?: unknown;
}

const CONTROL_BODY_BYTES_MAX = 4 * 1024 * 1024;

/** Routes of the stack itself; everything unknown is answered 404 with the list of what exists. */
export function createControl(parts: ControlParts): { handle(req: IncomingMessage, res: ServerResponse): void } {
  return {
    handle(req, res) {
      void answer(parts, req)
        .catch((cause: unknown): Answer => refusal(cause))
        .then((a) => send(res, a));
    },
  };
}

async function answer(parts: ControlParts, req: IncomingMessage): Promise<Answer> {
  const [path = "/", query = ""] = (req.url ?? "/").split("?", 2);
  const method = req.method ?? "GET";
  if (isForeign(req.headers.origin)) return { status: 403, body: { error: "control is for this machine only" } };
  if (path === "/" || path === "/health") return { status: 200, body: { status: "ok", name: "skipstone local stack" } };

  const [, root, subject, id] = path.split("/");
  if (root !== "_stack" || subject === undefined) return unknownRoute();
  const route = `${method} ${subject}`;
  switch (route) {
    case "GET clock":
      return clockNow(parts.clock);
    case "POST clock":
      return steerClock(parts.clock, await readJson(req));
    case "GET faults":
      return { status: 200, body: { faults: parts.faults.list() } };
    case "POST faults":
      return { status: 201, body: parts.faults.add(parseFaultRule(await readJson(req))) };
    case "DELETE faults":
      return removeFaults(parts.faults, id);
    case "GET ledger":
      return { status: 200, body: parts.ledger.read() };
    case "DELETE ledger":
      parts.ledger.reset();
      return { status: 204 };
    case "GET traffic":
      return { status: 200, body: { traffic: parts.traffic.list(parseTrafficQuery(query)) } };
    case "DELETE traffic":
      parts.traffic.clear();
      return { status: 204 };
    case "GET model":
      return { status: 200, body: { queued: parts.model.queued(), requests: parts.model.requests() } };
    case "POST model":
      parts.model.script(...parseBehaviours(await readJson(req)));
      return { status: 201, body: { queued: parts.model.queued() } };
    case "DELETE model":
      parts.model.reset();
      return { status: 204 };
    default:
      return answerRestaurant(parts.restaurant, route, req);
  }
}

async function answerRestaurant(restaurant: RestaurantControl, route: string, req: IncomingMessage): Promise<Answer> {
  switch (route) {
    case "GET restaurant":
      return { status: 200, body: { queued: restaurant.queued(), ...restaurant.read() } };
    case "POST restaurant":
      restaurant.script(...parseOrders(await readJson(req)));
      return { status: 201, body: { queued: restaurant.queued() } };
    case "DELETE restaurant":
      restaurant.reset();
      return { status: 204 };
    default:
      return unknownRoute();
  }
}

function clockNow(clock: StackClock): Answer {
  return { status: 200, body: { nowMs: clock.now(), frozen: clock.isFrozen() } };
}

async function steerClock(clock: StackClock, body: unknown): Promise<Answer> {
  const command = parseClockCommand(body);
  if (command.action === "freeze") clock.freeze();
  else if (command.action === "release") clock.release();
  else await clock.advance(command.ms);
  return clockNow(clock);
}

function removeFaults(faults: FaultBook, id: string | undefined): Answer {
  if (id === undefined || id === "") {
    faults.clear();
    return { status: 204 };
  }
  return faults.remove(id) ? { status: 204 } : { status: 404, body: { error: `no fault ${id}` } };
}

function unknownRoute(): Answer {
  const routes = [
    "GET|POST /_stack/clock",
    "GET|POST|DELETE /_stack/faults",
    "DELETE /_stack/faults/:id",
    "GET|DELETE /_stack/ledger",
    "GET|DELETE /_stack/traffic?server=&limit=",
    "GET|POST|DELETE /_stack/model",
    "GET|POST|DELETE /_stack/restaurant",
    "/redis/*",
    "/restaurant/*",
    "/v1/*",
    "/v2/*",
  ];
  return { status: 404, body: { error: "no such route", routes } };
}

async function readJson(req: IncomingMessage): Promise<unknown> {
  const text = (await readBody(req, CONTROL_BODY_BYTES_MAX)).toString("utf8");
  return text === "" ? {} : (JSON.parse(text) as unknown);
}

function refusal(cause: unknown): Answer {
  if (cause instanceof BodyTooLargeError) return { status: 413, body: { error: cause.message } };
  return { status: 400, body: { error: cause instanceof Error ? cause.message : String(cause) } };
}

function isForeign(origin: string | undefined): boolean {
  if (origin === undefined) return false;
  return !/^https?:\/\/(localhost|127\.0\.0\.1|\[::1\])(:\d+)?$/.test(origin);
}

function send(res: ServerResponse, a: Answer): void {
  if (a.body === undefined) {
    res.writeHead(a.status).end();
    return;
  }
  res.writeHead(a.status, { "content-type": "application/json" }).end(`${JSON.stringify(a.body)}\n`);
}
