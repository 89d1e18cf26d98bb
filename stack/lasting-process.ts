/**
 * A process that may be replaced by another of its kind, as if it were one.
 *
 * 1. At most one of them runs: the next begins when the last is gone, for it may need the same port.
 * 2. Its end is told once: when one ended by itself, or after `stop`. A replacement is no end.
 */
import type { GuardedProcess } from "./guarded-process.ts";

export interface LastingProcess extends GuardedProcess {
  /** Ends the one that runs and starts the next. Resolves when that has begun. Does nothing more after `stop`. */
  replace(): Promise<void>;
}

export function startLasting(start: () => GuardedProcess): LastingProcess {
  const ended = Promise.withResolvers<number | null>();
  let current = follow(start());
  let replacing: Promise<void> | undefined;
  let isStopped = false;

  function follow(process: GuardedProcess): GuardedProcess {
    void process.exited.then((code) => {
      if (replacing === undefined) ended.resolve(code);
    });
    return process;
  }

  async function replaceOnce(): Promise<void> {
    await current.stop();
    if (!isStopped) current = follow(start());
  }

  return {
    exited: ended.promise,
    hasExited: () => replacing === undefined && current.hasExited(),
    async replace() {
      if (isStopped) return;
      replacing ??= replaceOnce().finally(() => {
        replacing = undefined;
      });
      await replacing;
    },
    async stop() {
      isStopped = true;
      await replacing;
      await current.stop();
      ended.resolve(await current.exited);
    },
  };
}
