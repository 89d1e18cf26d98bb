import { afterAll, beforeAll, describe, expect, it } from "vitest";
import { limits } from "../../src/core/limits.ts";
import { startTestApp, type TestApp, type TestCaller } from "../support/test-app.ts";
import { uiChunks } from "../support/sse.ts";

let app: TestApp;
let caller: TestCaller;
beforeAll(async () => {
  app = await startTestApp();
  caller = await app.signIn();
});
afterAll(() => app.close());

interface Entry {
  readonly key: string;
  readonly value: unknown;
  readonly tags: readonly string[];
  readonly updatedAt: number;
}
interface Found {
  readonly entries: readonly Entry[];
  readonly hits: readonly (Entry & { readonly score: number })[];
  readonly by: string;
  readonly next?: string;
  readonly total: number;
}

const path = (key: string, agent = "chat"): string => `/api/memory/knowledge/${agent}/${encodeURIComponent(key)}`;

async function put(who: TestCaller, key: string, body: unknown, agent?: string): Promise<Response> {
  return who.fetch(path(key, agent), {
    method: "PUT",
    headers: { "content-type": "application/json" },
    body: JSON.stringify(body),
  });
}

async function find(who: TestCaller, query = ""): Promise<Found> {
  const response = await who.fetch(`/api/memory/knowledge/chat${query}`);
  expect(response.status).toBe(200);
  return (await response.json()) as Found;
}

describe("an agent's knowledge over HTTP", () => {
  it("is put, read, replaced and removed by its key", async () => {
    const written = await put(caller, "favourite colour", { value: { name: "green" }, tags: ["taste"] });
    expect(written.status).toBe(200);
    expect(await written.json()).toMatchObject({ key: "favourite colour", value: { name: "green" }, tags: ["taste"] });
    await put(caller, "favourite colour", { value: "blue" });
    const got = (await (await caller.fetch(path("favourite colour"))).json()) as Entry;
    expect(got).toMatchObject({ key: "favourite colour", value: "blue", tags: [] });
    expect(Object.keys(got).toSorted()).toEqual(["key", "tags", "updatedAt", "value"]);
    expect((await caller.fetch(path("favourite colour"), { method: "DELETE" })).status).toBe(204);
    expect((await caller.fetch(path("favourite colour"), { method: "DELETE" })).status).toBe(404);
    expect((await caller.fetch(path("favourite colour"))).status).toBe(404);
  });

  it.each(["a/b", "a b?c=d#e", "100%", "%2F", "ünï 雪 🙂", "{x}:y*", "__proto__", "..a", "k".repeat(128)])(
    "has a place for the odd key %j",
    async (key) => {
      const owner = await app.signIn();
      expect((await put(owner, key, { value: key })).status).toBe(200);
      expect(await (await owner.fetch(path(key))).json()).toMatchObject({ key, value: key });
      expect((await find(owner)).entries.map((entry) => entry.key)).toEqual([key]);
      expect((await owner.fetch(path(key), { method: "DELETE" })).status).toBe(204);
    },
  );

  it.each([
    ["with control characters", "a\u0000b"],
    ["longer than a key may be", "k".repeat(129)],
  ])("refuses a key %s", async (_case, key) => {
    for (const response of [await put(caller, key, { value: 1 }), await caller.fetch(path(key))]) {
      expect(response.status).toBe(400);
      expect(await response.json()).toMatchObject({ code: "bad_request" });
    }
  });

  it.each([
    ["without a value", { tags: [] }, 400],
    ["with an empty tag", { value: 1, tags: [" "] }, 400],
    ["with too many tags", { value: 1, tags: Array.from({ length: 17 }, (_, index) => `t${index}`) }, 400],
    ["with a tag that is too long", { value: 1, tags: ["t".repeat(65)] }, 400],
    ["with a field that is not known", { value: 1, expires: 1 }, 400],
    ["one byte over the limit", { value: "x".repeat(limits.knowledgeValueBytesMax - 1) }, 400],
    ["of a megabyte", { value: "x".repeat(1024 * 1024) }, 413],
  ])("refuses an entry %s", async (_case, body, status) => {
    const response = await put(caller, "refused", body);
    expect(response.status).toBe(status);
    expect((await caller.fetch(path("refused"))).status).toBe(404);
  });

  it("takes a value right at the limit, an empty one, and null", async () => {
    const owner = await app.signIn();
    for (const value of ["x".repeat(limits.knowledgeValueBytesMax - 2), "", null]) {
      expect((await put(owner, "k", { value })).status).toBe(200);
      expect(await (await owner.fetch(path("k"))).json()).toMatchObject({ value });
    }
  });

  it("comes in pages in the order of the keys, also within a prefix", async () => {
    const owner = await app.signIn();
    for (const key of ["b/2", "a/1", "b/1", "c", "b/3"]) await put(owner, key, { value: key });
    const first = await find(owner, "?limit=2");
    expect(first).toMatchObject({ total: 5, next: "b/1" });
    expect(first.entries.map(({ key }) => key)).toEqual(["a/1", "b/1"]);
    const second = await find(owner, `?limit=2&after=${encodeURIComponent(first.next!)}`);
    expect(second.entries.map(({ key }) => key)).toEqual(["b/2", "b/3"]);
    const last = await find(owner, `?limit=2&after=${encodeURIComponent(second.next!)}`);
    expect(last.entries.map(({ key }) => key)).toEqual(["c"]);
    expect(last.next).toBeUndefined();
    expect((await find(owner, "?prefix=b/")).entries.map(({ key }) => key)).toEqual(["b/1", "b/2", "b/3"]);
    expect((await find(owner, "?prefix=zzz")).entries).toEqual([]);
  });

  it.each(["?limit=0", "?limit=101", "?limit=x", "?limit=-1", "?q=", "?q=%20", "?q=x&by=smell", "?q=x&limit=51"])(
    "refuses the query %s with a sentence",
    async (query) => {
      const response = await caller.fetch(`/api/memory/knowledge/chat${query}`);
      expect(response.status).toBe(400);
      expect(await response.json()).toMatchObject({ code: "bad_request", detail: expect.stringMatching(/must/) });
    },
  );

  it("refuses a cursor that can be no key", async () => {
    const response = await caller.fetch("/api/memory/knowledge/chat?after=%00");
    expect(response.status).toBe(400);
    expect(await response.json()).toMatchObject({ code: "invalid_cursor" });
  });

  it("is found by words and by meaning", async () => {
    const owner = await app.signIn();
    await put(owner, "dinner", { value: "books tables at Da Mario", tags: ["habit"] });
    await put(owner, "pet", { value: "a dog called Rex" });
    expect(await find(owner, "?q=mario&by=text")).toMatchObject({ by: "text", hits: [{ key: "dinner" }] });
    expect((await find(owner, "?q=habit")).by).toBe("both");
    const near = await find(owner, "?q=booked+a+tablet&by=meaning");
    expect(near.hits[0]?.key).toBe("dinner");
    expect(near.hits[0]!.score).toBeGreaterThan(near.hits[1]?.score ?? 0);
    expect((await find(owner, "?q=unheard&by=text")).hits).toEqual([]);
  });

  it("of an agent that is not the caller's is not there, whatever is asked", async () => {
    for (const agent of ["another", "usr_1:chat", "chat%2F..", "{x}", "a".repeat(129)]) {
      const responses = [
        await put(caller, "k", { value: 1 }, agent),
        await caller.fetch(path("k", agent)),
        await caller.fetch(`/api/memory/knowledge/${agent}`),
        await caller.fetch(path("k", agent), { method: "DELETE" }),
      ];
      expect(responses.map(({ status }) => status)).toEqual([404, 404, 404, 404]);
    }
  });

  it("of an agent that the caller made is kept apart, and goes with the agent", async () => {
    const owner = await app.signIn();
    const { id } = (await (await owner.post("/api/agents", { name: "Helper" })).json()) as { id: string };
    expect((await put(owner, "k", { value: 1 }, id)).status).toBe(200);
    expect((await owner.fetch(path("k"))).status).toBe(404);
    expect((await owner.fetch(path("k", "default"))).status).toBe(404);
    expect((await (await app.signIn()).fetch(path("k", id))).status).toBe(404);
    expect((await owner.fetch(`/api/agents/${id}`, { method: "DELETE" })).status).toBe(204);
    expect((await owner.fetch(path("k", id))).status).toBe(404);
    const kept = await fetch(`${app.stack.redisUrl}/exists/memory:knowledge:{${owner.userId}}:${id}`, {
      headers: { authorization: `Bearer ${app.stack.redisToken}` },
    });
    expect(await kept.json()).toEqual({ result: 0 });
  });

  it("of another user is not there", async () => {
    await put(caller, "secret", { value: "mine" });
    const other = await app.signIn();
    expect((await other.fetch(path("secret"))).status).toBe(404);
    expect((await find(other)).entries).toEqual([]);
    expect((await find(other, "?q=secret")).hits).toEqual([]);
    expect((await app.fetch(path("secret"))).status).toBe(401);
  });

  it("is full at the limit, and says so", async () => {
    const owner = await app.signIn();
    const key = `memory:knowledge:{${owner.userId}}:chat`;
    const entry = 'v {"value":1,"tags":[],"updatedAt":1}';
    const fields = Array.from({ length: limits.knowledgeEntriesMax }, (_, index) => [`k${index}`, entry]).flat();
    await fetch(app.stack.redisUrl, {
      method: "POST",
      headers: { authorization: `Bearer ${app.stack.redisToken}` },
      body: JSON.stringify(["HSET", key, ...fields]),
    });
    const full = await put(owner, "one more", { value: 1 });
    expect(full.status).toBe(409);
    expect(await full.json()).toMatchObject({ code: "too_many" });
    expect((await put(owner, "k7", { value: 2 })).status).toBe(200);
  });

  it("is what the tools of a chat keep and find", async () => {
    const owner = await app.signIn();
    await uiChunks(await owner.chat("c1", "m1", "Remember that my favourite colour is green"));
    await app.background();
    const { entries } = await find(owner);
    expect(entries).toMatchObject([
      { key: expect.stringContaining("colour") as string, value: expect.stringContaining("green") as string },
    ]);
  });

  it("goes by words where no embedding endpoint is configured", async () => {
    const plain = await startTestApp({
      bindings: { EMBEDDING_BASE_URL: "", EMBEDDING_API_KEY: "", EMBEDDING_NAME: "" },
    });
    try {
      const owner = await plain.signIn();
      await put(owner, "pet", { value: "Rex" });
      expect(await find(owner, "?q=rex")).toMatchObject({ by: "text", hits: [{ key: "pet" }] });
      const refused = await owner.fetch("/api/memory/knowledge/chat?q=rex&by=meaning");
      expect(refused.status).toBe(409);
      expect(await refused.json()).toMatchObject({ code: "no_embedding" });
    } finally {
      await plain.close();
    }
  });
});
