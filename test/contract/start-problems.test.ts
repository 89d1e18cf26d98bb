/** What `npm start` says of an app that would serve nobody. */
import { mkdtempSync, readFileSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import path from "node:path";
import { afterAll, beforeAll, expect, it, onTestFinished } from "vitest";
import { appBindings } from "../../stack/app-bindings.ts";
import { openAppLog } from "../../stack/app-log.ts";
import { whyNotReady } from "../../stack/ask-ready.ts";
import { startTestApp, type TestApp } from "../support/test-app.ts";

let app: TestApp;
beforeAll(async () => {
  app = await startTestApp();
});
afterAll(() => app.close());

it("a wrong .dev.vars is told of in words, once, and each problem on its line; the log has the whole of it", async () => {
  const folder = mkdtempSync(path.join(tmpdir(), "problems-"));
  onTestFinished(() => rmSync(folder, { recursive: true }));
  const shown: string[] = [];
  const log = openAppLog(path.join(folder, "app.log"), (text) => shown.push(text));
  const before = app.logLines.length;
  app.rebind({ LOG_LEVEL: "loud", SESSION_SECRET: "short" });
  expect(await whyNotReady(app.url)).toBe("misconfigured");
  expect(await whyNotReady(app.url)).toBe("misconfigured");
  app.rebind({ ...appBindings(app.stack, app.url), LOG_LEVEL: "debug" });
  for (const line of app.logLines.slice(before)) log.write(line);
  await log.close();
  expect(shown).toHaveLength(1);
  const [first, ...problems] = shown[0]!.split("\n");
  expect(first).toBe("The environment is incomplete:");
  expect(problems).toEqual([
    "  LOG_LEVEL is set, but to none of debug, info, warn, error; leave it out for info.",
    expect.stringMatching(/^ {2}SESSION_SECRET has 5 characters/),
  ]);
  expect(readFileSync(log.file, "utf8").match(/misconfigured/g)).toHaveLength(2);
});

it("an app that serves is ready, and one that is not there does not answer", async () => {
  expect(await whyNotReady(app.url)).toBeUndefined();
  expect(await whyNotReady("http://127.0.0.1:1")).toBe("no answer");
});
