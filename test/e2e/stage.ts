/**
 * What a browser test stands on: the local stack, the app under wrangler with the built page, and a real Chromium. One stage
 * per test file; each visitor is a browser of its own, with its own session.
 */
import chromiumBinary from "@sparticuz/chromium";
import { type Browser, type BrowserContext, type BrowserContextOptions, chromium, type Page } from "playwright-core";
import { buildWebIfStale } from "../../stack/build-web.ts";
import { type RunningStack, startStack } from "../../stack/start-stack.ts";
import { startWatchedApp } from "./watched-app.ts";

export interface Stage {
  stack: RunningStack;
  url: string;
  /** A new person at a new browser, with the page open and ready to write. `url` is for a way there of your own. */
  visit(options?: BrowserContextOptions, url?: string): Promise<Page>;
  /**
   * Closes the visitors, lets time run and forgets every order to the model; for after each test.
   * @throws AggregateError of what went wrong in the pages unseen: uncaught errors and violations of the content policy.
   */
  clear(): Promise<void>;
  close(): Promise<void>;
}

const CHROMIUM_ARGUMENTS = [
  "--no-sandbox",
  "--disable-gpu",
  "--disable-quic",
  "--no-first-run",
  "--disable-background-networking",
  "--disable-component-update",
  "--disable-sync",
];
const ACTION_MS_MAX = 15_000;

export async function openStage(): Promise<Stage> {
  await buildWebIfStale();
  const stack = await startStack();
  const app = await startWatchedApp(stack).catch(async (cause: unknown) => {
    await stack.close();
    throw cause;
  });
  const browser = await openBrowser();
  let contexts: BrowserContext[] = [];
  let unseen: Error[] = [];

  return {
    stack,
    url: app.url,
    async visit(options = {}, url = app.url) {
      const context = await browser.newContext(options);
      context.setDefaultTimeout(ACTION_MS_MAX);
      contexts.push(context);
      context.on("weberror", (thrown) => unseen.push(thrown.error()));
      context.on("console", (line) => {
        if (line.text().includes("Content Security Policy")) unseen.push(new Error(line.text()));
      });
      const page = await context.newPage();
      await page.goto(url);
      await page.getByRole("textbox", { name: "Message" }).waitFor();
      for (const { value } of await context.cookies()) app.noteSecret(value);
      return page;
    },
    async clear() {
      await Promise.all(contexts.map((context) => context.close()));
      contexts = [];
      stack.model.reset();
      stack.faults.clear();
      stack.clock.release();
      const errors = unseen;
      unseen = [];
      if (errors.length > 0) throw new AggregateError(errors, errors.map((error) => error.message).join("; "));
    },
    async close() {
      await browser.close();
      try {
        await app.close();
      } finally {
        await stack.close();
      }
    },
  };
}

async function openBrowser(): Promise<Browser> {
  const executablePath = await chromiumBinary.executablePath();
  return chromium.launch({ headless: true, executablePath, args: CHROMIUM_ARGUMENTS });
}
