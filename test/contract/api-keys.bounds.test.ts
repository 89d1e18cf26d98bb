/** What a key may do with the keys of its user: nothing by which it could do more than it can. */
import { afterAll, beforeAll, describe, expect, it } from "vitest";
import { startTestApp, type TestApp, type TestCaller } from "../support/test-app.ts";

let app: TestApp;
let owner: TestCaller;
beforeAll(async () => {
  app = await startTestApp({ bindings: { TOKENS_PER_DAY: "1000000" } });
});
afterAll(() => app.close());

type Shown = { readonly id: string; readonly key: string; readonly expiresAt?: string };

function by(key: string, path: string, method: string, body?: object) {
  const headers = { authorization: `Bearer ${key}`, "content-type": "application/json" };
  return app.fetch(path, { method, headers, ...(body === undefined ? {} : { body: JSON.stringify(body) }) });
}

async function makeKey(draft: object): Promise<Shown> {
  const response = await owner.post("/api/keys", { name: "Robot", scopes: ["account"], ...draft });
  expect(response.status).toBe(201);
  return (await response.json()) as Shown;
}

describe("a key that can do more", () => {
  beforeAll(async () => {
    owner = await app.signIn();
  });

  it.each([
    ["a scope", { scopes: ["account", "chat"] }, {}],
    ["no budget of its own", {}, { tokensPerDay: 10 }],
    ["a wider budget", { tokensPerDay: 11 }, { tokensPerDay: 10 }],
    ["no end", {}, { expiresInDays: 1 }],
    ["a later end", { expiresInDays: 2 }, { expiresInDays: 1 }],
  ])("by %s is not rotated by whoever can do less, and goes on as it was", async (_what, more, less) => {
    const wide = await makeKey(more);
    const narrow = await makeKey(less);
    const response = await by(narrow.key, `/api/keys/${wide.id}/rotate`, "POST");
    expect([response.status, await response.json()]).toMatchObject([403, { code: "insufficient_scope" }]);
    expect((await by(wide.key, "/api/sessions/current", "GET")).status).toBe(200);
    expect((await by(narrow.key, `/api/keys/${narrow.id}/rotate`, "POST")).status).toBe(200);
    for (const { id } of [wide, narrow])
      expect((await owner.fetch(`/api/keys/${id}`, { method: "DELETE" })).status).toBe(204);
  });
});

describe("a key that a key makes", () => {
  it("ends with it at the latest", async () => {
    owner = await app.signIn();
    const parent = await makeKey({ expiresInDays: 2 });
    const child = async (draft: object) => {
      const response = await by(parent.key, "/api/keys", "POST", { name: "Child", scopes: ["account"], ...draft });
      return ((await response.json()) as Shown).expiresAt!;
    };
    expect(await child({})).toBe(parent.expiresAt);
    expect(await child({ expiresInDays: 300 })).toBe(parent.expiresAt);
    expect(Date.parse(await child({ expiresInDays: 1 }))).toBeLessThan(Date.parse(parent.expiresAt!));
  });
});

describe("what is no id of a key", () => {
  it.each(["%23", "%20", "x"])(
    "is none of its fields: with %s behind it is 404, and the key is as it was",
    async (end) => {
      owner = await app.signIn();
      const { id } = await makeKey({});
      for (const [path, method] of [
        [`/api/keys/${id}${end}`, "DELETE"],
        [`/api/keys/${id}${end}/rotate`, "POST"],
      ] as const) {
        expect((await owner.fetch(path, { method })).status).toBe(404);
      }
      expect((await owner.fetch(`/api/keys/${id}/rotate`, { method: "POST" })).status).toBe(200);
      expect((await owner.fetch(`/api/keys/${id}`, { method: "DELETE" })).status).toBe(204);
    },
  );
});
