/** Requests that want the same at once, in workerd, where none may wait for what another has begun. */
import { exports } from "cloudflare:workers";
import { describe, expect, it } from "vitest";

const ask = (path: string, init?: RequestInit): Promise<Response> =>
  exports.default.fetch(new Request(`http://app.test${path}`, init));

describe("a cached list", () => {
  it("is given to all who ask for it at once, each in a request of its own", async () => {
    const session = await ask("/api/sessions", { method: "POST" });
    const cookie = session.headers.get("set-cookie")?.split(";")[0] ?? "";
    const left = new AbortController();
    const leaving = ask("/api/models", { headers: { cookie }, signal: left.signal }).catch(() => undefined);
    const asked = Array.from({ length: 12 }, () => ask("/api/models", { headers: { cookie } }));
    left.abort();
    await leaving;
    const answers = await Promise.all((await Promise.all(asked)).map((response) => response.json()));
    expect(new Set(answers.map((answer) => JSON.stringify(answer))).size).toBe(1);
    expect(answers[0]).toMatchObject({
      models: expect.arrayContaining([expect.any(String)]),
      default: expect.any(String),
    });
  });
});
