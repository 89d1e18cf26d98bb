/**
 * The one clock of the local stack. It runs in real time until it is frozen; then time moves only by `advance`, so a test
 * can watch a retry schedule of two days in a millisecond. It does not replace `Date.now` of the program under test.
 *
 * Invariants:
 * 1. Tasks start in order of time; tasks of the same millisecond start in the order in which they were scheduled.
 * 2. While a task runs during `advance`, `now()` is the time at which it was due.
 * 3. A task fires at most once, and never after it was cancelled or after `close`.
 * 4. A task that throws never stops the clock: in real time it is reported on stderr, in `advance` it is thrown at the end.
 */
export interface StackClock {
  /** Unix milliseconds. */
  now(): number;
  /** Runs `task` once at `atMs`; at once (but never synchronously) when that is already past, frozen or not. Returns cancel. */
  schedule(atMs: number, task: () => void | Promise<void>): () => void;
  /** Stops time at the present moment. Idempotent. */
  freeze(): void;
  /**
   * Moves frozen time forward by `ms` (0 or more), firing everything due on the way, in order, each task awaited (for at
   * most ten real seconds, so that a task which itself waits for this clock cannot block it for ever).
   * @throws Error when the clock is not frozen; AggregateError of what the tasks threw, once all of them have run.
   */
  advance(ms: number): Promise<void>;
  /** Back to real time; what became due meanwhile fires at once. Time may jump backwards. Idempotent. */
  release(): void;
  isFrozen(): boolean;
  /** Drops all tasks and takes no more. */
  close(): void;
}

interface ScheduledTask {
  atMs: number;
  order: number;
  task: () => void | Promise<void>;
}

/** setTimeout fires at once above 2^31-1 ms; longer waits are made of several timers. */
const timerMsMax = 2 ** 31 - 1;
const taskWaitRealMsMax = 10_000;

export function createStackClock(): StackClock {
  let tasks: ScheduledTask[] = [];
  let frozenAtMs: number | undefined;
  let orderCount = 0;
  let timer: ReturnType<typeof setTimeout> | undefined;
  let isClosed = false;
  /** Tasks that were due at once while time was frozen: `advance` does not move on before they are done. */
  const running = new Set<Promise<void>>();
  /** Advances run one after the other: two at once would each move time under the other's tasks. */
  let lastAdvance: Promise<void> = Promise.resolve();

  const now = () => frozenAtMs ?? Date.now();

  function takeDue(untilMs: number): ScheduledTask | undefined {
    const first = tasks[0];
    if (first === undefined || first.atMs > untilMs) return undefined;
    tasks.shift();
    return first;
  }

  function armTimer(): void {
    clearTimeout(timer);
    timer = undefined;
    const first = tasks[0];
    if (first === undefined || isClosed) return;
    const waitMs = Math.max(0, first.atMs - now());
    // Frozen: a task of the future waits for `advance`, which arms again when it is done.
    if (frozenAtMs !== undefined && waitMs > 0) return;
    timer = setTimeout(fireDue, Math.min(waitMs, timerMsMax));
  }

  function fireDue(): void {
    // Not awaited: in real time a slow task must not hold up the next one.
    for (let due = takeDue(now()); due !== undefined; due = takeDue(now())) {
      const work = run(due)
        .catch((error: unknown) => console.error("stack clock: a task failed:", error))
        .finally(() => running.delete(work));
      running.add(work);
    }
    armTimer();
  }

  async function advanceNow(ms: number): Promise<void> {
    if (frozenAtMs === undefined)
      throw new Error("advance needs a frozen clock: call freeze() first");
    const untilMs = frozenAtMs + ms;
    const errors: unknown[] = [];
    while (frozenAtMs !== undefined) {
      if (running.size > 0) await withRealLimit(Promise.all(running));
      const due = takeDue(untilMs);
      if (due === undefined) break;
      frozenAtMs = Math.max(frozenAtMs, due.atMs);
      await withRealLimit(run(due)).catch((error: unknown) => errors.push(error));
    }
    if (frozenAtMs !== undefined) frozenAtMs = Math.max(frozenAtMs, untilMs);
    armTimer();
    if (errors.length > 0)
      throw new AggregateError(errors, `${errors.length} scheduled task(s) failed`);
  }

  return {
    now,
    schedule(atMs, task) {
      if (!Number.isFinite(atMs)) throw new Error(`a task needs a finite time, got ${atMs}`);
      if (isClosed) return () => {};
      const entry: ScheduledTask = { atMs, order: orderCount++, task };
      tasks.splice(insertionIndex(tasks, entry), 0, entry);
      armTimer();
      return () => {
        tasks = tasks.filter((other) => other !== entry);
        armTimer();
      };
    },
    freeze() {
      frozenAtMs ??= Date.now();
      armTimer();
    },
    advance(ms) {
      if (!(ms >= 0)) return Promise.reject(new Error(`time moves forward only, got ${ms} ms`));
      const mine = lastAdvance.then(() => advanceNow(ms));
      lastAdvance = mine.catch(() => {});
      return mine;
    },
    release() {
      frozenAtMs = undefined;
      armTimer();
    },
    isFrozen: () => frozenAtMs !== undefined,
    close() {
      isClosed = true;
      tasks = [];
      clearTimeout(timer);
    },
  };
}

/** After all entries of the same or an earlier time (invariant 1). */
function insertionIndex(tasks: readonly ScheduledTask[], entry: ScheduledTask): number {
  let low = 0;
  let high = tasks.length;
  while (low < high) {
    const middle = (low + high) >>> 1;
    if ((tasks[middle] as ScheduledTask).atMs <= entry.atMs) low = middle + 1;
    else high = middle;
  }
  return low;
}

async function run(due: ScheduledTask): Promise<void> {
  await due.task();
}

async function withRealLimit(work: Promise<unknown>): Promise<void> {
  let limit: ReturnType<typeof setTimeout> | undefined;
  const limited = new Promise<void>((resolve) => {
    limit = setTimeout(resolve, taskWaitRealMsMax);
  });
  try {
    await Promise.race([work, limited]);
  } finally {
    clearTimeout(limit);
  }
}
