import { hc } from "hono/client";
import type { AppType } from "../../src/http/api/app-type.ts";
import { problemFrom } from "./problem.ts";

const { sessions } = hc<AppType>("/").api;

let opening: Promise<void> | undefined;

/**
 * Makes sure that this browser has a session: keeps the one it has, opens a guest session otherwise.
 * Safe to call before every request; asks the server once per page.
 * @throws ProblemError when no session can be opened; TypeError without a network. The next call tries again.
 */
export function ensureSession(): Promise<void> {
  opening ??= withBrowserLock(openSession).catch((error: unknown) => {
    opening = undefined;
    throw error;
  });
  return opening;
}

/** Call after a 401: the session that we had has ended. */
export function forgetSession(): void {
  opening = undefined;
}

async function openSession(): Promise<void> {
  const current = await sessions.current.$get();
  if (current.ok) return;
  if (current.status !== 401) throw await problemFrom(current, Date.now());
  const opened = await sessions.$post();
  if (!opened.ok) throw await problemFrom(opened, Date.now());
}

/**
 * Two tabs that start at the same moment would open two guest sessions, and the first tab's conversation would be lost
 * with its cookie. The lock needs a secure context; without one the race stays, and costs a guest nothing but that.
 */
function withBrowserLock(task: () => Promise<void>): Promise<void> {
  return "locks" in navigator ? navigator.locks.request("skipstone-session", task) : task();
}
