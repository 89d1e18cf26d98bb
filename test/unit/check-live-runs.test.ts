import { expect, it } from "vitest";
import { checkLiveRuns } from "../../scripts/runs/check-live-runs.ts";
import { createRunRegistry } from "../../src/engine/run-definition.ts";
import type { RunServices } from "../../src/wire/runs.ts";

it("lists a run whose journal cannot be opened here, and goes on with the others", async () => {
  const ref = { userId: "usr_1", runId: "run_1" };
  async function* pages() {
    yield [ref, { ...ref, runId: "run_2" }];
  }
  const report = await checkLiveRuns({
    pages: pages(),
    journal: { readMany: async () => [undefined, []] },
    build: { registry: createRunRegistry([]), services: {} as RunServices },
  });
  expect(report).toEqual({
    checked: 1,
    diverged: [
      { ...ref, definition: "unknown", status: "unknown", message: expect.stringContaining("ENCRYPTION_KEYS") },
    ],
  });
});
