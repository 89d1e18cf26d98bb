/** One-time tickets over the real app. */
import { afterAll, beforeAll, describe, expect, it } from "vitest";
import { limits } from "../../src/core/limits.ts";
import { redisCommand } from "../support/run-client.ts";
import { startTestApp, type TestApp, type TestCaller } from "../support/test-app.ts";

let app: TestApp;
let caller: TestCaller;
beforeAll(async () => {
  app = await startTestApp();
  caller = await app.signIn();
});
afterAll(() => app.close());

const path = "/api/conversations/talk/events";

async function ticketFor(asked = path, by = caller): Promise<{ ticket: string; url: string }> {
  const response = await by.post("/api/tickets", { path: asked });
  expect(response.status).toBe(201);
  return (await response.json()) as { ticket: string; url: string };
}

/** The status; a stream that was opened is left again. */
async function open(url: string, init?: RequestInit): Promise<number> {
  const response = await app.fetch(url, init);
  await response.body?.cancel();
  return response.status;
}

describe("a ticket", () => {
  it("opens its stream once, in the name of who asked for it", async () => {
    app.stack.model.script({ kind: "reply", text: "Hi." });
    await (await caller.chat("talk", "m-1", "Hello")).text();
    await app.background();
    const { ticket, url } = await ticketFor();
    expect(url).toBe(`${path}?ticket=${ticket}`);
    const response = await app.fetch(url);
    expect(response.status).toBe(200);
    const reader = response.body!.pipeThrough(new TextDecoderStream()).getReader();
    let read = "";
    while (!read.includes("workflow-started")) read += (await reader.read()).value ?? "";
    await reader.cancel();
    expect(await open(url)).toBe(401);
  });

  it("used by two at once lets one in", async () => {
    const { url } = await ticketFor();
    expect((await Promise.all([open(url), open(url), open(url)])).toSorted((a, b) => a - b)).toEqual([200, 401, 401]);
  });

  it("is for its path alone, and used up where it is tried on another", async () => {
    const { ticket, url } = await ticketFor();
    expect(await open(`/api/conversations/other/events?ticket=${ticket}`)).toBe(401);
    expect(await open(url)).toBe(401);
    expect(await open(`/api/conversations?ticket=${(await ticketFor()).ticket}`)).toBe(401);
  });

  it("changes nothing by another method", async () => {
    const { ticket } = await ticketFor("/api/chat/talk/stream");
    expect(await open(`/api/chat/talk/stop?ticket=${ticket}`, { method: "POST" })).toBe(401);
  });

  it("ends after a minute", async () => {
    const fresh = await app.signIn();
    await ticketFor(path, fresh);
    const [key] = (await redisCommand(app.stack, ["KEYS", `tickets:{${fresh.userId}}:*`])) as string[];
    const leftMs = Number(await redisCommand(app.stack, ["PTTL", key!]));
    expect(leftMs).toBeLessThanOrEqual(limits.ticketTtlMs);
    expect(leftMs).toBeGreaterThan(limits.ticketTtlMs - 30_000);
    const { url } = await ticketFor(path, fresh);
    for (const kept of (await redisCommand(app.stack, ["KEYS", `tickets:{${fresh.userId}}:*`])) as string[]) {
      await redisCommand(app.stack, ["PEXPIRE", kept, 0]);
    }
    expect(await open(url)).toBe(401);
  });

  it("that was made up, or has any character changed, is refused without asking for it", async () => {
    const { ticket } = await ticketFor();
    app.stack.ledger.reset();
    for (let index = 0; index < ticket.length; index += 5) {
      const changed = ticket.slice(0, index) + (ticket[index] === "a" ? "b" : "a") + ticket.slice(index + 1);
      expect(await open(`${path}?ticket=${changed}`), `character ${index}`).toBe(401);
    }
    expect(await open(`${path}?ticket=`)).toBe(401);
    expect(app.stack.ledger.read().byCommand["GETDEL"] ?? 0).toBe(0);
  });

  it("counts before a cookie, and after a bearer", async () => {
    const { url } = await ticketFor();
    const other = await app.signIn();
    expect(await open(url, { headers: { authorization: "Bearer made-up" } })).toBe(401);
    expect(await open(url, { headers: { cookie: other.cookie } })).toBe(200);
    expect(await open(url, { headers: { cookie: other.cookie } })).toBe(401);
  });

  it.each([
    "/api/runs",
    "/api/conversations/talk/events?after=1",
    "/api/conversations/a/b/events",
    "https://evil.example",
    "",
    "x".repeat(600),
  ])("is not made for %.40s", async (asked) => {
    expect((await caller.post("/api/tickets", { path: asked })).status).toBe(400);
  });

  it("is made only by who may use its path", async () => {
    const limited = await app.signInAs({ scopes: ["runs"] });
    expect((await limited.post("/api/tickets", { path })).status).toBe(403);
  });
});
