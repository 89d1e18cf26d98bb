/** A request that is repeated under its Idempotency-Key, and one that only has the key of another. */
import { describe, expect, it } from "vitest";
import * as z from "zod/mini";
import { defineRun } from "../../src/engine/run-definition.ts";
import { foldRun } from "../../src/engine/fold-run.ts";
import { startedEntry } from "../../src/engine/start-request.ts";
import { sameRequest, type RunRequest } from "../../src/http/run-request.ts";

const definition = (name: string, version: number) =>
  defineRun({ name, version, input: z.unknown(), run: async () => 1 });
const first = { definition: definition("trip", 1), input: { from: "home", to: "sea" } };

/** The run that the first request has started. */
function started() {
  const ref = { userId: "usr_1", runId: "run_1" };
  return foldRun([startedEntry({ ref, ...first }, 1)]).state;
}

describe("a request with the key of a run", () => {
  it.each<[string, Partial<RunRequest>]>([
    ["as it was", {}],
    ["with its fields in another order", { input: { to: "sea", from: "home" } }],
    ["with its version named", { version: 1 }],
    ["after a newer version came, which nobody named", { definition: definition("trip", 2) }],
  ])("%s is the one that started it", (_how, over) => {
    const state = started();
    expect(sameRequest(state, { ...first, ...over })).toBe(state);
  });

  it.each<[string, Partial<RunRequest>]>([
    ["definition", { definition: definition("walk", 1) }],
    ["version", { definition: definition("trip", 2), version: 2 }],
    ["input", { input: { from: "home", to: "hill" } }],
    ["conversation", { conversationId: "c1" }],
    ["executor", { executor: "workflow" }],
  ])("and another %s is refused", (_what, over) => {
    expect(() => sameRequest(started(), { ...first, ...over })).toThrow("used for another request");
  });
});
