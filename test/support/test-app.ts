import { createApp } from "../../src/app.ts";
import { newUserId } from "../../src/core/ids.ts";
import type { Clock } from "../../src/core/ports.ts";
import { Secret } from "../../src/core/secret.ts";
import { createRunRegistry, type AnyRunDefinition } from "../../src/engine/run-definition.ts";
import { createSweep } from "../../src/scheduled.ts";
import { guestTenant, type Identity } from "../../src/session/identity.ts";
import { userScopes } from "../../src/session/scope.ts";
import { createSessions } from "../../src/session/sessions.ts";
import { createSigner } from "../../src/session/signer.ts";
import { systemRandom } from "../../src/system/random.ts";
import { upstashSessionStore } from "../../src/upstash/session-store.ts";
import { createWire, type Wire } from "../../src/wire.ts";
import { createToolRegistry, type ToolRegistry } from "../../src/tool/registry.ts";
import type { AnyTool } from "../../src/tool/tool.ts";
import { runRegistry, type RunServices } from "../../src/wire/runs.ts";
import type { RedisClient } from "../../src/upstash/batch.ts";
import type { ToolServices } from "../../src/wire/tools.ts";
import { createAdapters, type Invocation, type Time } from "../../src/wire/adapters.ts";
import { appBindings } from "../../stack/app-bindings.ts";
import type { StackClock } from "../../stack/clock.ts";
import { startStack, type RunningStack } from "../../stack/start-stack.ts";
import { silentLog } from "../fakes/clock.ts";
import { misfit, misfitOfRequest } from "./described-answers.ts";
import { routesOf } from "./route-table.ts";
import { createSecretWatch, secretsAmong, sessionOf, throwAny } from "./secret-lines.ts";
import { serveFetch } from "./serve-fetch.ts";
import { createTestLog } from "./test-log.ts";

export interface TestApp {
  readonly stack: RunningStack;
  /** Where the app is reached over HTTP, by QStash among others. */
  readonly url: string;
  /** Its storage as the app itself sees it: opened. */
  readonly redis: RedisClient;
  /**
   * Sends a request in the name of a caller; `path` is below the app's origin.
   * @throws Error when the answer is not as `openapi.json` describes it.
   */
  fetch(path: string, init?: RequestInit): Promise<Response>;
  /** A caller with a session of its own. */
  signIn(): Promise<TestCaller>;
  /** A caller with a session of this identity; a user of their own where it names none. */
  signInAs(
    identity: Partial<Identity>,
    over?: { readonly clock?: Clock; readonly secret?: string },
  ): Promise<TestCaller>;
  /** Who presents this cookie. */
  callerOf(cookie: string, userId?: string): TestCaller;
  /** Every route of the app, as `GET /api/runs/:runId`. */
  readonly routes: readonly string[];
  /** All that it has logged, down to debug, each entry one line of JSON. */
  readonly logLines: readonly string[];
  /** Deploys it anew with other bindings, as an operator does; `redis` keeps those of the start. */
  rebind(bindings: Readonly<Record<string, string>>): void;
  /** Waits for everything that requests left in the background. */
  background(): Promise<void>;
  /** Waits until nothing is in the background and no delivery is due. */
  settled(): Promise<void>;
  /** The cron trigger. */
  sweep(): Promise<void>;
  /** @throws AggregateError of what the app answered but `openapi.json` does not describe, and of what it logged that is secret. */
  close(): Promise<void>;
}

export interface TestCaller {
  readonly userId: string;
  readonly cookie: string;
  fetch(path: string, init?: RequestInit): Promise<Response>;
  post(path: string, body: unknown, init?: RequestInit): Promise<Response>;
  chat(conversationId: string, messageId: string, text: string, init?: RequestInit): Promise<Response>;
}

export interface TestAppOptions {
  /** Runs beside those of the app. */
  readonly definitions?: readonly AnyRunDefinition<RunServices>[];
  /** Tools that are queued beside those of the app. */
  readonly tools?: readonly AnyTool<ToolServices>[];
  /** Replaces bindings; an empty one counts as missing. */
  readonly bindings?: Readonly<Record<string, string>>;
  /** `stack`: the app has the time of the stack, which stands still until a test moves it. */
  readonly time?: "real" | "stack";
}

/** Bindings for tests that look into the storage themselves: nothing is sealed there. */
export const inClear = { ENCRYPTION_KEYS: "" } as const;

/** The whole app in this process over a local stack of its own: real routes, real adapters, real scripts, real deliveries. */
export async function startTestApp(options: TestAppOptions = {}): Promise<TestApp> {
  const stack = await startStack();
  if (options.time === "stack") stack.clock.freeze();
  const wire = wireFor(options, stack.clock);
  const { lines, logs } = createTestLog();
  const app = createApp(wire, logs);
  const pending = new Set<Promise<unknown>>();
  const execution = {
    waitUntil(promise: Promise<unknown>) {
      const tracked = promise.finally(() => pending.delete(tracked));
      tracked.catch(() => undefined);
      pending.add(tracked);
    },
    passThroughOnException() {},
    props: {},
  };
  const misfits: Error[] = [];
  const server = await serveFetch(async (request) => {
    const response = await app.fetch(request, env, execution);
    const problem = await misfit(request.method, new URL(request.url).pathname, response);
    if (problem !== undefined) misfits.push(new Error(problem));
    return response;
  });
  let env = { ...appBindings(stack, server.url), ...options.bindings } as Env;
  const watch = createSecretWatch({ ...env }, lines);

  async function send(path: string, init: RequestInit = {}): Promise<Response> {
    const left = new AbortController();
    const signal = init.signal ? AbortSignal.any([init.signal, left.signal]) : left.signal;
    const request = new Request(new URL(path, server.url), { ...init, signal });
    const response = await app.fetch(request, env, execution);
    watch.note(...(await issuedBy(request, response)));
    await expectDescribed(request, init.body, response);
    return leavable(response, left);
  }

  async function background(): Promise<void> {
    while (pending.size > 0) await Promise.all(pending);
  }

  return {
    stack,
    url: server.url,
    redis: createAdapters({ env, log: silentLog, waitUntil: execution.waitUntil }).redis,
    fetch: send,
    routes: routesOf(app),
    logLines: lines,
    rebind(bindings) {
      env = { ...env, ...bindings };
      watch.note(...secretsAmong({ ...env }));
    },
    signIn: () => signIn(send),
    async signInAs(identity, over = {}) {
      const { config, clock, redis } = createAdapters({ env, log: silentLog, waitUntil: execution.waitUntil });
      const secret = over.secret === undefined ? config.sessionSecret : new Secret(over.secret);
      const store = upstashSessionStore(redis);
      const sessions = createSessions({
        store,
        signer: createSigner(secret),
        clock: over.clock ?? clock,
        random: systemRandom,
      });
      const userId = newUserId(systemRandom);
      const issued = await sessions.open({ userId, tenant: guestTenant, scopes: userScopes, ...identity });
      watch.note(issued.token);
      return callerWith(send, issued.ref.userId, `session=${issued.token}`);
    },
    callerOf: (cookie, userId = "") => callerWith(send, userId, cookie),
    background,
    async settled() {
      do {
        await background();
        await stack.qstashIdle();
      } while (pending.size > 0);
    },
    sweep: () => createSweep(wire, logs)({}, env, execution),
    close: async () => {
      await stack.close();
      await server.close();
      throwAny([...misfits, ...watch.leaks()]);
    },
  };
}

/** By what the answer lets somebody in: a session's cookie, an API key, a ticket. */
async function issuedBy({ method, url }: Request, response: Response): Promise<string[]> {
  const sessions = response.headers.getSetCookie().map(sessionOf);
  const isIssuing = method === "POST" && /^\/api\/(?:tickets|keys(?:\/\w+\/rotate)?)$/.test(new URL(url).pathname);
  if (!isIssuing || !response.ok) return sessions;
  const { key = "", ticket = "" } = (await response.clone().json()) as { key?: string; ticket?: string };
  return [...sessions, key, ticket];
}

async function expectDescribed(request: Request, body: RequestInit["body"], response: Response): Promise<void> {
  const { pathname } = new URL(request.url);
  const isAccepted = response.ok && typeof body === "string";
  const problem =
    (await misfit(request.method, pathname, response)) ??
    (isAccepted ? misfitOfRequest(request.method, pathname, body) : undefined);
  if (problem !== undefined) throw new Error(problem);
}

/** As the platform has it: a reader who cancels an event stream aborts the request. */
function leavable(response: Response, left: AbortController): Response {
  if (response.body === null || !response.headers.get("Content-Type")?.startsWith("text/event-stream")) return response;
  const reader = response.body.getReader();
  const body = new ReadableStream<Uint8Array>({
    async pull(controller) {
      const { done, value } = await reader.read();
      if (done) controller.close();
      else controller.enqueue(value);
    },
    async cancel(reason) {
      await reader.cancel(reason);
      left.abort();
    },
  });
  return new Response(body, response);
}

function wireFor({ definitions = [], tools = [], time }: TestAppOptions, clock: StackClock) {
  const registry = createRunRegistry<RunServices>([...runRegistry.list(), ...definitions]);
  return (invocation: Invocation): Wire => {
    const wire = createWire(time === "stack" ? { ...invocation, time: timeOf(clock) } : invocation, registry);
    const queuedTools = async () => {
      const queued = await wire.queuedTools();
      return { ...queued, registry: withTools(queued.registry, tools) };
    };
    return { ...wire, queuedTools };
  };
}

function withTools(registry: ToolRegistry<ToolServices>, tools: readonly AnyTool<ToolServices>[]) {
  const extra = createToolRegistry(tools);
  return { ...registry, get: (name: string) => extra.get(name) ?? registry.get(name) };
}

function timeOf(clock: StackClock): Time {
  return {
    clock,
    pause: (ms, signal) =>
      new Promise((resolve, reject) => {
        const cancel = clock.schedule(clock.now() + ms, resolve);
        signal.addEventListener("abort", () => (cancel(), reject(signal.reason as Error)), { once: true });
      }),
  };
}

async function signIn(send: TestApp["fetch"]): Promise<TestCaller> {
  const response = await send("/api/sessions", { method: "POST" });
  const { userId } = (await response.json()) as { userId: string };
  return callerWith(send, userId, response.headers.getSetCookie()[0]!.split(";")[0]!);
}

function callerWith(send: TestApp["fetch"], userId: string, cookie: string): TestCaller {
  const callerFetch = (path: string, init: RequestInit = {}): Promise<Response> =>
    send(path, { ...init, headers: { ...(init.headers as Record<string, string>), cookie } });
  const post = (path: string, body: unknown, init: RequestInit = {}): Promise<Response> =>
    callerFetch(path, {
      method: "POST",
      ...init,
      body: JSON.stringify(body),
      headers: { "content-type": "application/json", ...(init.headers as Record<string, string>) },
    });
  return {
    userId,
    cookie,
    fetch: callerFetch,
    post,
    chat: (conversationId, messageId, text, init) => post("/api/chat", chatBody(conversationId, messageId, text), init),
  };
}

export function chatBody(id: string, messageId: string, text: string): Record<string, unknown> {
  return {
    id,
    trigger: "submit-message",
    messages: [{ id: messageId, role: "user", parts: [{ type: "text", text }] }],
  };
}
