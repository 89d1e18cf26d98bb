/** Everything behind the app dies at once, Redis, QStash and the model, and comes back: the app under workerd lives through it. */
import { statSync } from "node:fs";
import path from "node:path";
import { describe, expect, it, onTestFinished } from "vitest";
import { buildWebIfStale } from "../../stack/build-web.ts";
import { createStackClock } from "../../stack/clock.ts";
import { LOCAL_CREDENTIALS } from "../../stack/credentials.ts";
import type { RunningStack } from "../../stack/start-stack.ts";
import { newFolder } from "../contract/qstash-lives.ts";
import { startProcess } from "../contract/stack-process.ts";
import { sessionOf } from "../support/secret-lines.ts";
import { uiChunks } from "../support/sse.ts";
import { chatBody } from "../support/test-app.ts";
import { startWatchedApp } from "./watched-app.ts";

/** What the app has to know of a stack in another process. */
function stackAt(url: string): RunningStack {
  const { redisToken, redisReadOnlyToken, qstashToken, currentSigningKey, nextSigningKey, modelApiKey } =
    LOCAL_CREDENTIALS;
  const tokens = { redisToken, redisReadOnlyToken, qstashToken, currentSigningKey, nextSigningKey, modelApiKey };
  const urls = {
    url,
    redisUrl: `${url}/redis`,
    qstashUrl: url,
    modelBaseUrl: `${url}/v1`,
    restaurantUrl: `${url}/restaurant`,
  };
  return { ...tokens, ...urls, clock: createStackClock() } as RunningStack;
}

/** So soon that the reminder is due at once. */
const dinner = { city: "Lisbon", partySize: 2, at: new Date(Date.now() + 3_600_000).toISOString(), guest: "Ada" };

const forGuest = { waits: [{ signal: "guest-confirms" }] };

describe("a kill -9 of Redis, QStash and the model at once", () => {
  it(
    "is said in words while they are away; what was under way goes on when they are back",
    { timeout: 180_000 },
    async () => {
      await buildWebIfStale();
      const folder = newFolder();
      const first = await startProcess("--persist", folder);
      const app = await startWatchedApp(stackAt(first.url));
      onTestFinished(() => app.close());
      const cookie = await signIn();
      const run = await post("/api/execute", { name: "book-dinner", input: dinner });
      expect(run.status).toBe(202);
      const { runId } = (await run.json()) as { runId: string };
      await expect.poll(() => viewOf(runId), { timeout: 30_000, interval: 1_000 }).toMatchObject(forGuest);
      // The stack's Redis may lose what was written since its last snapshot.
      const waitingAtMs = Date.now();
      const snapshot = path.join(folder, "redis.snapshot");
      await expect.poll(() => statSync(snapshot).mtimeMs, { timeout: 20_000 }).toBeGreaterThan(waitingAtMs);
      await first.kill();

      expect((await fetch(`${app.url}/health`)).status).toBe(200);
      expect((await fetch(`${app.url}/ready`)).status).toBe(503);
      const refused = await post("/api/chat", chatBody("c", "m1", "are you there?"));
      expect(refused.status).toBe(503);
      expect(refused.headers.get("retry-after")).toMatch(/^\d+$/);
      expect(await refused.json()).toMatchObject({ code: "redis_unavailable" });

      const second = await startProcess("--persist", folder, "--port", new URL(first.url).port);
      expect(second.url).toBe(first.url);
      await expect.poll(async () => (await fetch(`${app.url}/ready`)).status, { timeout: 20_000 }).toBe(200);
      const answer = await post("/api/chat", chatBody("c", "m1", "are you there?"));
      expect((await uiChunks(answer)).at(-1)?.type).toBe("finish");
      expect(
        (await post(`/api/runs/${runId}/signal`, { name: "guest-confirms", payload: { confirmed: true } })).status,
      ).toBe(202);
      await expect
        .poll(() => viewOf(runId), { timeout: 60_000, interval: 1_500 })
        .toMatchObject({ status: "completed" });

      async function signIn(): Promise<string> {
        const opened = await fetch(`${app.url}/api/sessions`, { method: "POST" });
        const session = opened.headers.getSetCookie()[0]!.split(";")[0]!;
        app.noteSecret(sessionOf(session));
        return session;
      }

      function post(route: string, body: unknown): Promise<Response> {
        const headers = { cookie, "content-type": "application/json" };
        return fetch(`${app.url}${route}`, { method: "POST", headers, body: JSON.stringify(body) });
      }

      async function viewOf(id: string): Promise<unknown> {
        const response = await fetch(`${app.url}/api/runs/${id}`, { headers: { cookie } });
        return response.json();
      }
    },
  );
});
