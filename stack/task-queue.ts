/** What is to be done at some time, the earliest first; of the same time, what was added first. */
export interface TaskQueue<Task> {
  /** Returns the removal, which does nothing once the task was taken. */
  add(atMs: number, task: Task): () => void;
  /** The time of the first task, undefined when there is none. */
  nextMs(): number | undefined;
  /** Takes the first task if it is due by then. */
  takeDue(untilMs: number): { atMs: number; task: Task } | undefined;
  clear(): void;
}

interface Entry<Task> {
  atMs: number;
  /** Of two entries of the same time, the one with the lower number goes first. */
  number: number;
  task: Task;
  /** Where it stands in the heap, -1 once it is gone. */
  index: number;
}

/** A binary heap: adding, taking and removing cost the logarithm of how many there are. */
export function createTaskQueue<Task>(): TaskQueue<Task> {
  const heap: Entry<Task>[] = [];
  let added = 0;

  function place(entry: Entry<Task>, index: number): void {
    heap[index] = entry;
    entry.index = index;
  }

  function rise(entry: Entry<Task>): void {
    let { index } = entry;
    while (index > 0) {
      const parentIndex = (index - 1) >> 1;
      const parent = heap[parentIndex];
      if (parent === undefined || !isEarlier(entry, parent)) break;
      place(parent, index);
      index = parentIndex;
    }
    place(entry, index);
  }

  function sink(entry: Entry<Task>): void {
    let { index } = entry;
    for (;;) {
      const child = earlier(heap[index * 2 + 1], heap[index * 2 + 2]);
      if (child === undefined || !isEarlier(child, entry)) break;
      const childIndex = child.index;
      place(child, index);
      index = childIndex;
    }
    place(entry, index);
  }

  function remove(entry: Entry<Task>): void {
    const { index } = entry;
    if (index < 0) return;
    entry.index = -1;
    const last = heap.pop();
    if (last === undefined || last === entry) return;
    last.index = index;
    rise(last);
    sink(last);
  }

  return {
    add(atMs, task) {
      const entry = { atMs, number: added++, task, index: heap.length };
      heap.push(entry);
      rise(entry);
      return () => remove(entry);
    },
    nextMs: () => heap[0]?.atMs,
    takeDue(untilMs) {
      const first = heap[0];
      if (first === undefined || first.atMs > untilMs) return undefined;
      remove(first);
      return first;
    },
    clear() {
      for (const entry of heap.splice(0)) entry.index = -1;
    },
  };
}

function isEarlier(entry: Entry<unknown>, other: Entry<unknown>): boolean {
  return entry.atMs < other.atMs || (entry.atMs === other.atMs && entry.number < other.number);
}

function earlier<Task>(left: Entry<Task> | undefined, right: Entry<Task> | undefined): Entry<Task> | undefined {
  return left !== undefined && right !== undefined && isEarlier(right, left) ? right : left;
}
