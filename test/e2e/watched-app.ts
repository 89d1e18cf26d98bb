/** The app under wrangler, whose output is searched for its keys when it closes. */
import { appBindings } from "../../stack/app-bindings.ts";
import { startApp, type RunningApp } from "../../stack/start-app.ts";
import type { RunningStack } from "../../stack/start-stack.ts";
import { createSecretWatch, throwAny } from "../support/secret-lines.ts";

export interface WatchedApp extends RunningApp {
  /** Notes what must not be printed, beside the app's own keys. */
  readonly noteSecret: (secret: string) => void;
}

/** On any free port. */
export async function startWatchedApp(stack: RunningStack): Promise<WatchedApp> {
  const lines: string[] = [];
  const app = await startApp({
    port: 0,
    stack,
    bindings: { LOG_LEVEL: "debug" },
    onLine: (line) => void lines.push(line),
  });
  const watch = createSecretWatch(appBindings(stack, app.url), lines);
  return {
    ...app,
    noteSecret: (secret) => watch.note(secret),
    async close() {
      await app.close();
      throwAny(watch.leaks());
    },
  };
}
