import { problemFrom } from "./problem.ts";

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
  const current = await fetch("/api/sessions/current");
  if (current.ok) return;
  if (current.status !== 401) throw await problemFrom(current, Date.now());
  const opened = await fetch("/api/sessions", { method: "POST" });
  if (!opened.ok) throw await problemFrom(opened, Date.now());
}

/**
 * Two tabs that start at the same moment would open two guest sessions, and the first tab's conversation would be lost
 * with its cookie. The lock needs a secure context; without one the race stays, and costs a guest nothing but that.
 */
function withBrowserLock(task: () => Promise<void>): Promise<void> {
  return "locks" in navigator ? navigator.locks.request("skipstone-session", task) : task();
}
