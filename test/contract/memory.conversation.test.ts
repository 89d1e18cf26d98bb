/** A conversation's memory over the whole app: its pages, and what becomes of one that is long. */
import { afterAll, beforeAll, describe, expect, it } from "vitest";
import { uiChunks, textOfChunks } from "../support/sse.ts";
import { startTestApp, type TestApp, type TestCaller } from "../support/test-app.ts";

let app: TestApp;
beforeAll(async () => {
  app = await startTestApp({ bindings: { MODEL_CONTEXT_TOKENS: "4000" } });
});
afterAll(() => app.close());

interface Page {
  readonly messages: readonly { readonly id: string; readonly parts: readonly { readonly text?: string }[] }[];
  readonly next?: string;
}

async function page(who: TestCaller, id: string, query = ""): Promise<Page> {
  return (await (await who.fetch(`/api/conversations/${id}/messages${query}`)).json()) as Page;
}

async function say(who: TestCaller, id: string, messageId: string, text: string): Promise<string> {
  const said = textOfChunks(await uiChunks(await who.chat(id, messageId, text)));
  await app.background();
  return said;
}

describe("the messages of a conversation", () => {
  it("come whole, or in pages from the newest to the oldest", async () => {
    const who = await app.signIn();
    app.stack.model.script({ kind: "reply", text: "Well.", times: 3 });
    for (const id of ["m1", "m2", "m3"]) await say(who, "c1", id, `This is ${id}`);
    const all = await page(who, "c1");
    expect(all.messages.map(({ parts }) => parts.at(-1)?.text)).toEqual([
      "This is m1",
      "Well.",
      "This is m2",
      "Well.",
      "This is m3",
      "Well.",
    ]);
    expect(all.next).toBeUndefined();
    const newest = await page(who, "c1", "?limit=4");
    expect(newest.messages).toEqual(all.messages.slice(2));
    const older = await page(who, "c1", `?limit=4&before=${newest.next}`);
    expect(older.messages).toEqual(all.messages.slice(0, 2));
    expect(older.next).toBeUndefined();
  });

  it("of a conversation that is not there, or is another's, are none", async () => {
    expect(await page(await app.signIn(), "c1", "?limit=4")).toEqual({ messages: [] });
  });

  it.each([
    ["?limit=0", "bad_request"],
    ["?limit=101", "bad_request"],
    ["?limit=ten", "bad_request"],
    ["?before=garbage", "invalid_cursor"],
    ["?before=", "invalid_cursor"],
    ["?before=1-../x", "invalid_cursor"],
  ])("asked for with %s are refused", async (query, code) => {
    const who = await app.signIn();
    const response = await who.fetch(`/api/conversations/c1/messages${query}`);
    expect(response.status).toBe(400);
    expect(await response.json()).toMatchObject({ code });
  });
});

describe("a long conversation", () => {
  it("is summarised once, goes on from the summary, and keeps every message to be seen", async () => {
    const who = await app.signIn();
    const long = "tell ".repeat(300);
    app.stack.model.reset();
    app.stack.model.script({ kind: "reply", match: "You summarise", text: "They like green tea.", times: 9 });
    app.stack.model.script({ kind: "reply", text: "Noted. ".repeat(150), times: 9 });
    for (let turn = 1; turn <= 5; turn += 1) await say(who, "long", `m${turn}`, `${turn} ${long}`);
    const asked = app.stack.model.requests().map(({ body }) => JSON.stringify(body));
    const summaries = asked.filter((body) => body.includes("You summarise"));
    expect(summaries.length).toBeGreaterThanOrEqual(1);
    const last = asked.findLast((body) => !body.includes("You summarise"))!;
    expect(last.includes("They like green tea.")).toBe(true);
    expect(last.length).toBeLessThan(16_000);
    expect((await page(who, "long")).messages).toHaveLength(10);
    app.stack.model.reset();
    app.stack.model.script({ kind: "reply", text: "Yes.", times: 2 });
    app.stack.ledger.reset();
    expect(await say(who, "long", "m6", "Short.")).toBe("Yes.");
    expect(app.stack.ledger.read().modelCalls).toBe(1);
    expect(app.stack.ledger.read().commands).toBeLessThanOrEqual(16);
  });
});

describe("a run of an agent in a conversation", () => {
  it("is told what was said there and what its agent knows, and nothing of another conversation", async () => {
    const who = await app.signIn();
    app.stack.model.reset();
    app.stack.model.script({ kind: "reply", text: "Understood.", times: 3 });
    await say(who, "dinner", "m1", "My guests eat no fish");
    await say(who, "other", "m1", "The alarm code is 9431");
    const made = await who.post("/api/agents", { name: "Host", shape: "loop" });
    const { id } = (await made.json()) as { id: string };
    await who.post(`/api/memory/knowledge/${id}/favourite`, { value: "a quiet corner" }, { method: "PUT" });
    const draft = { goal: "Choose a menu", conversationId: "dinner" };
    expect((await who.post(`/api/agents/${id}/runs`, draft)).status).toBe(202);
    await app.settled();
    const asked = JSON.stringify(app.stack.model.requests().at(-1)?.body);
    expect(asked).toContain("user: My guests eat no fish");
    expect(asked).toContain("a quiet corner");
    expect(asked).not.toContain("9431");
    expect(asked.split("Choose a menu")).toHaveLength(2);
  });
});
