/** Lets many through together, or one alone. */
export interface Turnstile {
  /** Begins at once unless somebody is alone or waits to be. */
  together<T>(work: () => Promise<T>): Promise<T>;
  /** Begins when all are through who began before, and keeps everybody else waiting until it is done. */
  alone<T>(work: () => Promise<T>): Promise<T>;
}

export function createTurnstile(): Turnstile {
  const inside = new Set<Promise<unknown>>();
  let lastAlone: Promise<unknown> | undefined;

  return {
    async together(work) {
      while (lastAlone !== undefined) await lastAlone;
      const running = work();
      inside.add(running);
      try {
        return await running;
      } finally {
        inside.delete(running);
      }
    },
    alone(work) {
      const before = lastAlone;
      const turn = (async () => {
        await before;
        await Promise.allSettled(inside);
        return work();
      })();
      const ended: Promise<unknown> = turn
        .catch(() => undefined)
        .then(() => {
          if (lastAlone === ended) lastAlone = undefined;
        });
      lastAlone = ended;
      return turn;
    },
  };
}
