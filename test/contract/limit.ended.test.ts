/** What has ended uses up nothing of its user's limits. */
import { afterAll, beforeAll, expect, it } from "vitest";
import { limits } from "../../src/core/limits.ts";
import { chatBody, startTestApp, type TestApp } from "../support/test-app.ts";

let app: TestApp;
beforeAll(async () => {
  app = await startTestApp();
});
afterAll(() => app.close());

it("leaves the user their requests and turns, however often an ended session is presented", async () => {
  const user = await app.signIn();
  const made = await user.post("/api/keys", { name: "Robot", scopes: ["chat"] });
  const { key } = (await made.json()) as { key: string };
  expect((await user.fetch("/api/sessions/current", { method: "DELETE" })).status).toBe(204);
  const statuses = new Set<number>();
  for (let count = 0; count <= limits.apiRequestsPerWindow; count += 1)
    statuses.add((await user.fetch("/api/conversations")).status);
  for (let count = 0; count <= limits.chatTurnsPerWindow; count += 1)
    statuses.add((await user.chat("talk", `m-${count}`, "Hello")).status);
  expect([...statuses]).toEqual([401]);

  const headers = { authorization: `Bearer ${key}`, "content-type": "application/json" };
  const read = await app.fetch("/api/conversations", { headers });
  // One for making the key, one for the session's first look after its end, and this one; a minute may have ended meanwhile.
  expect(read.status).toBe(200);
  expect(Number(read.headers.get("x-ratelimit-remaining"))).toBeGreaterThanOrEqual(limits.apiRequestsPerWindow - 3);
  app.stack.model.script({ kind: "reply", text: "Hi." });
  const body = JSON.stringify(chatBody("talk", "m-1", "Hello"));
  const turn = await app.fetch("/api/chat", { method: "POST", headers, body });
  expect([turn.status, await turn.text()]).toEqual([200, expect.stringContaining("Hi.")]);
});
