/** The Worker's process dies in the middle of an answer; no browser is needed to see what its clients get. */
import { execFileSync } from "node:child_process";
import { afterAll, beforeAll, describe, expect, it } from "vitest";
import { startApp, type RunningApp } from "../../stack/start-app.ts";
import { startStack, type RunningStack } from "../../stack/start-stack.ts";
import { uiChunks } from "../support/sse.ts";
import { chatBody } from "../support/test-app.ts";

let stack: RunningStack;
let app: RunningApp;
beforeAll(async () => {
  stack = await startStack();
  app = await startApp({ port: 0, stack });
});
afterAll(async () => {
  await app.close();
  await stack.close();
});

/** Sends SIGKILL to the workerd that runs the Worker: the younger of two. The other is wrangler's own proxy, which it cannot replace. */
function killWorkerd(): void {
  const rows = execFileSync("ps", ["-eo", "pid=,ppid=,args="], { encoding: "utf8" })
    .split("\n")
    .map((row) => /^\s*(\d+)\s+(\d+)\s+(.*)$/.exec(row))
    .filter((row) => row !== null);
  const parents = new Map(rows.map((row) => [Number(row[1]), Number(row[2])]));
  const isOurs = (pid: number): boolean => {
    for (let at: number | undefined = pid; at !== undefined && at > 1; at = parents.get(at))
      if (at === process.pid) return true;
    return false;
  };
  const ours = rows.filter((row) => row[3]!.includes("workerd serve") && isOurs(Number(row[1])));
  process.kill(Math.max(...ours.map((row) => Number(row[1]))), "SIGKILL");
}

describe("a workerd killed in the middle of an answer", () => {
  it(
    "loses nothing: the next reader takes the turn up and gets the answer whole, once",
    { timeout: 120_000 },
    async () => {
      const opened = await fetch(`${app.url}/api/sessions`, { method: "POST" });
      const cookie = opened.headers.getSetCookie()[0]!.split(";")[0]!;
      const words = Array.from({ length: 60 }, (_, index) => `word${index}`).join(" ");
      stack.model.script({ kind: "slow", text: words, msPerChunk: 60 }, { kind: "reply", text: words, times: 2 });
      const answer = await fetch(`${app.url}/api/chat`, {
        method: "POST",
        headers: { cookie, "content-type": "application/json" },
        body: JSON.stringify(chatBody("c", "m1", "Say the words")),
      });
      const cutOff = uiChunks(answer).catch((error: unknown) => error);
      await expect.poll(() => stack.ledger.read().byCommand["PUBLISH"] ?? 0, { timeout: 20_000 }).toBeGreaterThan(1);
      killWorkerd();
      expect(await cutOff).toBeInstanceOf(Error);

      await expect.poll(() => resume(cookie), { timeout: 100_000, interval: 500 }).toBe("finish");
      const { messages } = (await (
        await fetch(`${app.url}/api/conversations/c/messages`, { headers: { cookie } })
      ).json()) as {
        messages: { role: string; parts: { text?: string }[] }[];
      };
      expect(messages.map((message) => message.parts.map((part) => part.text ?? "").join(""))).toEqual([
        "Say the words",
        words,
      ]);
    },
  );

  /** How a reader that resumes now sees the turn end; `undefined` while it cannot be followed to its end. */
  async function resume(cookie: string): Promise<string | undefined> {
    try {
      const response = await fetch(`${app.url}/api/chat/c/stream`, { headers: { cookie } });
      return response.status === 200 ? (await uiChunks(response)).at(-1)?.type : undefined;
    } catch {
      return undefined;
    }
  }
});
