import * as fc from "fast-check";
import { describe, expect, it } from "vitest";
import { createWaitingLine } from "../../stack/qstash/waiting-line.ts";

const id = fc.constantFrom("a", "b", "c", "d", "e");
const step = fc.oneof(
  fc.record({ do: fc.constant("push" as const), id }),
  fc.record({ do: fc.constant("remove" as const), id }),
  fc.record({ do: fc.constant("shift" as const), id }),
);

describe("a waiting line", () => {
  it("gives back in the order of arrival, whoever leaves from wherever", () => {
    fc.assert(
      fc.property(fc.array(step, { maxLength: 60 }), (steps) => {
        const line = createWaitingLine<string>();
        let model: string[] = [];
        for (const { do: action, id: name } of steps) {
          if (action === "shift") expect(line.shift()).toBe(model.shift());
          else if (action === "push") {
            line.push(name, name);
            if (!model.includes(name)) model.push(name);
          } else {
            line.remove(name);
            model = model.filter((other) => other !== name);
          }
          expect(line.size()).toBe(model.length);
        }
        expect(model.map(() => line.shift())).toEqual(model);
      }),
    );
  });
});
