/**
 * The one clock of the local stack. It runs in real time until it is frozen; then time moves only by `advance`, so a test
 * can watch a retry schedule of two days in a millisecond. It does not replace `Date.now` of the program under test.
 *
 * Invariants:
 * 1. Tasks start in order of time; tasks of the same millisecond start in the order in which they were scheduled.
 * 2. While a task runs during `advance`, `now()` is the time at which it was due.
 * 3. A task fires at most once, and never after it was cancelled or after `close`.
 * 4. A task that throws never stops the clock: in real time it is reported on stderr, in `advance` it is thrown at the end.
 * 5. Waiting costs nothing: there is one timer, for the earliest task, however many there are.
 */
import { createTaskQueue } from "./task-queue.ts";

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

type Task = () => void | Promise<void>;

/** setTimeout fires at once above 2^31-1 ms; longer waits are made of several timers. */
const timerMsMax = 2 ** 31 - 1;
const taskWaitRealMsMax = 10_000;

export function createStackClock(): StackClock {
  const queue = createTaskQueue<Task>();
  const background = createBackground();
  const takeTurn = createTurns();
  let frozenAtMs: number | undefined;
  let timer: ReturnType<typeof setTimeout> | undefined;
  let isClosed = false;

  const now = () => frozenAtMs ?? Date.now();

  function armTimer(): void {
    clearTimeout(timer);
    const nextMs = queue.nextMs();
    if (nextMs === undefined) return;
    const waitMs = Math.max(0, nextMs - now());
    // Frozen: a task of the future waits for `advance`, which arms again when it is done.
    if (frozenAtMs !== undefined && waitMs > 0) return;
    timer = setTimeout(fireDue, Math.min(waitMs, timerMsMax));
  }

  function fireDue(): void {
    // Not awaited: in real time a slow task must not hold up the next one.
    for (let task = queue.takeDue(now()); task !== undefined; task = queue.takeDue(now())) background.start(task.task);
    armTimer();
  }

  async function advanceNow(ms: number): Promise<void> {
    if (!(ms >= 0)) throw new Error(`time moves forward only, got ${ms} ms`);
    if (frozenAtMs === undefined) throw new Error("advance needs a frozen clock: call freeze() first");
    const untilMs = frozenAtMs + ms;
    const errors: unknown[] = [];
    while (frozenAtMs !== undefined) {
      await background.settled();
      const due = queue.takeDue(untilMs);
      frozenAtMs = Math.max(frozenAtMs, due?.atMs ?? untilMs);
      if (due === undefined) break;
      await withRealLimit(run(due.task)).catch((error: unknown) => errors.push(error));
    }
    armTimer();
    if (errors.length > 0) throw new AggregateError(errors, `${errors.length} scheduled task(s) failed`);
  }

  return {
    now,
    schedule(atMs, task) {
      if (!Number.isFinite(atMs)) throw new Error(`a task needs a finite time, got ${atMs}`);
      if (isClosed) return () => {};
      const earliestMs = queue.nextMs() ?? Infinity;
      const remove = queue.add(atMs, task);
      if (atMs < earliestMs) armTimer();
      return () => {
        remove();
        // A timer that finds nothing due arms the next one; but one that waits for nothing would keep the process alive.
        if (queue.nextMs() === undefined) clearTimeout(timer);
      };
    },
    freeze() {
      frozenAtMs ??= Date.now();
      armTimer();
    },
    advance: (ms) => takeTurn(() => advanceNow(ms)),
    release() {
      frozenAtMs = undefined;
      armTimer();
    },
    isFrozen: () => frozenAtMs !== undefined,
    close() {
      isClosed = true;
      queue.clear();
      clearTimeout(timer);
    },
  };
}

/** Tasks that run without being awaited by their starter: those of real time, and those due at once in frozen time. */
function createBackground() {
  const running = new Set<Promise<void>>();
  return {
    start(task: Task): void {
      const work = run(task)
        .catch((error: unknown) => console.error("stack clock: a task failed:", error))
        .finally(() => running.delete(work));
      running.add(work);
    },
    /** Resolves when none is left; a task that outlasts the limit is no longer waited for. */
    async settled(): Promise<void> {
      while (running.size > 0) {
        const awaited = [...running];
        await withRealLimit(Promise.all(awaited));
        for (const work of awaited) running.delete(work);
      }
    },
  };
}

/** Advances run one after the other: two at once would each move time under the other's tasks. */
function createTurns() {
  let last: Promise<void> = Promise.resolve();
  return (work: () => Promise<void>): Promise<void> => {
    const mine = last.then(work);
    last = mine.catch(() => {});
    return mine;
  };
}

async function run(task: Task): Promise<void> {
  await task();
}

async function withRealLimit(work: Promise<unknown>): Promise<void> {
  const limit = Promise.withResolvers<void>();
  const timer = setTimeout(() => limit.resolve(), taskWaitRealMsMax);
  try {
    await Promise.race([work, limit.promise]);
  } finally {
    clearTimeout(timer);
  }
}
