import * as fc from "fast-check";
import { describe, expect, it } from "vitest";
import { createTaskQueue } from "../../stack/task-queue.ts";

const step = fc.oneof(
  fc.record({ do: fc.constant("add" as const), n: fc.integer({ min: 0, max: 20 }) }),
  fc.record({ do: fc.constant("remove" as const), n: fc.nat(60) }),
  fc.record({ do: fc.constant("take" as const), n: fc.integer({ min: 0, max: 25 }) }),
);

describe("the queue of tasks", () => {
  it("gives the earliest first, ties in the order of addition, whatever was removed between", () => {
    fc.assert(
      fc.property(fc.array(step, { maxLength: 120 }), (steps) => {
        const queue = createTaskQueue<number>();
        const removals: (() => void)[] = [];
        let model: { atMs: number; task: number }[] = [];
        for (const { do: action, n } of steps) {
          if (action === "add") {
            const task = removals.length;
            removals.push(queue.add(n, task));
            // A stable sort keeps ties in their order.
            model = [...model, { atMs: n, task }].toSorted((left, right) => left.atMs - right.atMs);
          } else if (action === "remove") {
            removals[n]?.();
            model = model.filter(({ task }) => task !== n);
          } else {
            const first = model[0];
            const wanted = first !== undefined && first.atMs <= n ? model.shift() : undefined;
            expect(queue.takeDue(n)?.task).toBe(wanted?.task);
          }
          expect(queue.nextMs()).toBe(model[0]?.atMs);
        }
        for (const { task } of model) expect(queue.takeDue(Infinity)?.task).toBe(task);
        expect(queue.takeDue(Infinity)).toBeUndefined();
      }),
    );
  });

  it("forgets everything, and removals that come later change nothing", () => {
    const queue = createTaskQueue<string>();
    const remove = queue.add(1, "a");
    queue.clear();
    queue.add(2, "b");
    remove();
    expect([queue.nextMs(), queue.takeDue(2)?.task, queue.nextMs()]).toEqual([2, "b", undefined]);
  });
});
