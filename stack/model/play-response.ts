/** Writes a planned response at its pace. It knows time and sockets and nothing of what the pieces mean. */
import type { ServerResponse } from "node:http";
import type { StackClock } from "../clock.ts";
import type { CallOutcome } from "./model-control.ts";
import type { ResponsePlan } from "./script-answer.ts";

/**
 * Plays `plan` to the end, or until the caller goes away.
 *
 * The next piece is always scheduled from inside the previous one, so a test that advances a frozen clock by ten seconds
 * gets every piece of those ten seconds. Back pressure is ignored: an answer is small and bounded by its plan.
 *
 * @returns how the call ended; `hang` ends when the caller goes away or the server closes.
 */
export function playResponse(o: {
  plan: ResponsePlan;
  res: ServerResponse;
  clock: StackClock;
  onPiece(): void;
}): Promise<CallOutcome> {
  const { plan, res, clock } = o;
  return new Promise((resolve) => {
    let cancel: () => void = () => {};
    let outcome: CallOutcome = "aborted";
    res.once("close", () => {
      cancel();
      resolve(outcome);
    });
    // A caller that is already gone closes no more.
    if (res.destroyed) return resolve(outcome);
    res.writeHead(plan.status, plan.headers);
    // Headers go first: a caller can then tell a slow answer from an unreachable server.
    res.flushHeaders();
    writeFrom(0);

    function writeFrom(start: number): void {
      for (let index = start; index < plan.pieces.length; index++) {
        res.write(plan.pieces[index]);
        o.onPiece();
        const isLast = index === plan.pieces.length - 1;
        if (plan.msPerPiece > 0 && !isLast) {
          cancel = wait(() => writeFrom(index + 1));
          return;
        }
      }
      finish();
    }

    function finish(): void {
      if (plan.ending === "hang") return;
      if (plan.ending === "end") {
        outcome = plan.status >= 400 ? "refused" : "completed";
        res.end();
        return;
      }
      outcome = "cut";
      // What was written before must reach the caller, or the cut would not be in the middle.
      res.write("", () => setImmediate(() => res.destroy()));
    }

    function wait(task: () => void): () => void {
      if (plan.pace === "clock") return clock.schedule(clock.now() + plan.msPerPiece, task);
      const timer = setTimeout(task, plan.msPerPiece);
      return () => clearTimeout(timer);
    }
  });
}
