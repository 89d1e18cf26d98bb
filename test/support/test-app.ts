import { createApp } from "../../src/app.ts";
import { createWire } from "../../src/wire.ts";
import { appBindings } from "../../stack/app-bindings.ts";
import { startStack, type RunningStack } from "../../stack/start-stack.ts";

export interface TestApp {
  readonly stack: RunningStack;
  /** Sends a request in the name of a caller; `path` is below the app's origin. */
  fetch(path: string, init?: RequestInit): Promise<Response>;
  /** A caller with a session of its own. */
  signIn(): Promise<TestCaller>;
  /** Waits for everything that requests left in the background. */
  background(): Promise<void>;
  close(): Promise<void>;
}

export interface TestCaller {
  readonly userId: string;
  readonly cookie: string;
  fetch(path: string, init?: RequestInit): Promise<Response>;
  post(path: string, body: unknown, init?: RequestInit): Promise<Response>;
  chat(conversationId: string, messageId: string, text: string, init?: RequestInit): Promise<Response>;
}

/** The whole app in this process over a local stack of its own: real routes, real adapters, real scripts. */
export async function startTestApp(): Promise<TestApp> {
  const stack = await startStack();
  const app = createApp(createWire);
  const env = { ...appBindings(stack, "http://app.test"), LOG_LEVEL: "error" } as Env;
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

  async function send(path: string, init?: RequestInit): Promise<Response> {
    return app.fetch(new Request(new URL(path, "http://app.test"), init), env, execution);
  }

  async function signIn(): Promise<TestCaller> {
    const response = await send("/api/sessions", { method: "POST" });
    const { userId } = (await response.json()) as { userId: string };
    const cookie = response.headers.getSetCookie()[0]!.split(";")[0]!;
    const callerFetch = (path: string, init: RequestInit = {}): Promise<Response> =>
      send(path, { ...init, headers: { ...(init.headers as Record<string, string>), cookie } });
    const post = (path: string, body: unknown, init: RequestInit = {}): Promise<Response> =>
      callerFetch(path, {
        ...init,
        method: "POST",
        body: JSON.stringify(body),
        headers: { "content-type": "application/json", ...(init.headers as Record<string, string>) },
      });
    return {
      userId,
      cookie,
      fetch: callerFetch,
      post,
      chat: (conversationId, messageId, text, init) =>
        post("/api/chat", chatBody(conversationId, messageId, text), init),
    };
  }

  return {
    stack,
    fetch: send,
    signIn,
    background: async () => {
      while (pending.size > 0) await Promise.all(pending);
    },
    close: async () => {
      await stack.close();
    },
  };
}

export function chatBody(id: string, messageId: string, text: string): Record<string, unknown> {
  return {
    id,
    trigger: "submit-message",
    messages: [{ id: messageId, role: "user", parts: [{ type: "text", text }] }],
  };
}
