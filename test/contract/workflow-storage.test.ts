/** Runs are records: another server over the same storage goes on with them. */
import { mkdtempSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import path from "node:path";
import { deserialize, serialize } from "node:v8";
import type { WorkflowContext } from "@upstash/workflow";
import { WorkflowNonRetryableError } from "@upstash/workflow";
import { createWorkflow } from "@upstash/workflow/hono";
import { describe, expect, it, onTestFinished } from "vitest";
import { memoryCollection, memoryStorage, type Collection, type Storage } from "../../stack/storage/collection.ts";
import { openFileStorage } from "../../stack/storage/file-storage.ts";
import { at } from "./qstash-rig.ts";
import { expectResult, startWorkflow } from "./workflow-rig.ts";

const hourMs = 3_600_000;

/** Keeps copies of what was put, as they were then, and hands out copies: nothing outlives a server but its records. */
function keptStorage(kept = new Map<string, Map<string, Buffer>>()): Storage {
  return {
    ...memoryStorage(),
    collection<Entry>(name: string): Collection<Entry> {
      const copies = kept.get(name) ?? new Map<string, Buffer>();
      kept.set(name, copies);
      const read = [...copies].map(([id, copy]): [string, Entry] => [id, deserialize(copy) as Entry]);
      const inMemory = memoryCollection(new Map(read));
      return {
        ...inMemory,
        put(id, entry) {
          copies.set(id, serialize(entry));
          inMemory.put(id, entry);
        },
        remove(id) {
          copies.delete(id);
          return inMemory.remove(id);
        },
      };
    },
  };
}

const start = (workflows: Parameters<typeof startWorkflow>[0]) =>
  startWorkflow(workflows, { front: { storage: keptStorage() } });

const waiter = createWorkflow(async (context: WorkflowContext<string>) => {
  await context.run("before", () => {});
  const first = await context.waitForEvent("first", "go", { timeout: "1h" });
  const second = await context.waitForEvent("second", "then", { timeout: "1h" });
  return { first: first.eventData, isLate: second.timeout, payload: context.requestPayload, label: context.label };
});

describe("after a restart", () => {
  it("a run that waits is notified, goes on with its history, and waits on with the time that it had", async () => {
    const before = await start({ waiter });
    const runId = await before.run("waiter", { body: "“p”", label: "l" });
    const after = await before.reopen();
    expect(await after.client.notify({ eventId: "go", eventData: { a: 1 } })).toHaveLength(1);
    await after.qstash.idle();
    const last = await after.reopen();
    await last.advance(hourMs);
    expect(last.deliveriesTo("waiter")).toHaveLength(4);
    await expectResult(last, runId, { first: { a: 1 }, isLate: true, payload: "“p”", label: "l" });
  });

  it("a run that sleeps wakes up at its time, with its history and once", async () => {
    const sleeper = createWorkflow(async (context: WorkflowContext<string>) => {
      const one = await context.run("one", () => 1);
      await context.sleep("sleep", "1h");
      return { one, payload: context.requestPayload };
    });
    const before = await start({ sleeper });
    const runId = await before.run("sleeper", { body: "p", headers: { "x-user": "ada" } });
    const after = await before.reopen();
    await after.advance(hourMs);
    expect(after.deliveriesTo("sleeper")).toHaveLength(3);
    expect(at(after.deliveriesTo("sleeper"), 2).headers).toMatchObject({ "x-user": "ada", "upstash-retried": "0" });
    await expectResult(after, runId, { one: 1, payload: "p" });
  });

  it("a run whose delivery is retried is cancelled, and not tried again", async () => {
    const before = await start({ waiter });
    before.qstash.faults.add({ server: "delivery", action: "status", status: 500 });
    const runId = await before.run("waiter", { retries: 3 });
    const after = await before.reopen();
    expect(await after.client.cancel(runId)).toEqual({ cancelled: 1 });
    await after.advance(24 * hourMs);
    expect(after.deliveriesTo("waiter")).toHaveLength(0);
  });

  it("an event that came before its wait is still there", async () => {
    const before = await start({ waiter });
    const runId = await before.run("waiter");
    await before.client.notify({ eventId: "then", eventData: "early", workflowRunId: runId });
    const after = await before.reopen();
    await after.client.notify({ eventId: "go", eventData: 1 });
    await after.qstash.idle();
    expect(after.deliveriesTo("waiter")).toHaveLength(4);
    await expectResult(after, runId, expect.objectContaining({ first: 1, isLate: false }));
  });

  it("the end of an invoked run is told to the run that waits for it", async () => {
    const parent = createWorkflow(
      async (context) => (await context.invoke("ask", { workflow: waiter, body: "p" })).body,
    );
    const before = await start({ parent, waiter });
    const runId = await before.run("parent");
    const after = await before.reopen();
    await after.client.notify({ eventId: "go" });
    await after.qstash.idle();
    await after.client.notify({ eventId: "then" });
    await after.qstash.idle();
    expect(after.deliveriesTo("parent")).toHaveLength(2);
    await expectResult(after, runId, expect.objectContaining({ payload: "p" }));
  });

  it("the logs are the same, and a run id that is used is still used", async () => {
    const before = await start({ waiter });
    const runId = await before.run("waiter", { workflowRunId: "one" });
    await before.run("waiter", { workflowRunId: "two" });
    await before.client.cancel("wfr_two");
    const { runs } = await before.client.logs();
    const after = await before.reopen();
    expect((await after.client.logs()).runs).toEqual(runs);
    await after.run("waiter", { workflowRunId: "one" });
    expect(after.deliveriesTo("waiter")).toHaveLength(2 + 2);
    expect((await after.log(runId)).workflowRunCreatedAt).toBe(at(runs, 1).workflowRunCreatedAt);
  });

  it("a run that failed is resumed at the step that failed", async () => {
    const state = { isBroken: true, calls: 0 };
    const breakable = createWorkflow(async (context) => {
      const one = await context.run("one", () => (state.calls += 1));
      return context.run("two", () => {
        if (state.isBroken) throw new WorkflowNonRetryableError("broken");
        return one + 1;
      });
    });
    const before = await start({ breakable });
    await before.run("breakable");
    const after = await before.reopen();
    state.isBroken = false;
    const { dlqId } = at((await after.client.dlq.list()).messages, 0);
    const run = await after.client.dlq.resume({ dlqId });
    await after.qstash.idle();
    expect(state.calls).toBe(1);
    await expectResult(after, run.workflowRunId, 2);
  });
});

describe("in a file", () => {
  it("a run is kept with its payload, its events, its failures and its dead letter", async () => {
    const folder = mkdtempSync(path.join(tmpdir(), "workflow-storage-"));
    onTestFinished(() => rmSync(folder, { recursive: true }));
    let storage: Storage | undefined;
    onTestFinished(() => storage?.close());
    const state = { isBroken: true };
    const breakable = createWorkflow(async (context: WorkflowContext<string>) => {
      const { eventData } = await context.waitForEvent("wait", "go", { timeout: "1h" });
      return context.run("break", () => {
        if (state.isBroken) throw new WorkflowNonRetryableError("broken");
        return { eventData, payload: context.requestPayload };
      });
    });
    const front = {
      get storage() {
        storage = openFileStorage(folder);
        return storage;
      },
    };
    const first = await startWorkflow({ breakable }, { front });
    await first.run("breakable", { body: "“p”", workflowRunId: "one" });
    await first.qstash.close();
    storage?.close();

    const second = await first.reopen();
    await second.client.notify({ eventId: "go", eventData: { a: "ä" } });
    await second.qstash.idle();
    const { runs } = await second.client.logs();
    await second.qstash.close();
    storage?.close();

    const third = await second.reopen();
    expect((await third.client.logs()).runs).toEqual(runs);
    state.isBroken = false;
    const { dlqId } = at((await third.client.dlq.list()).messages, 0);
    const { workflowRunId } = await third.client.dlq.resume({ dlqId });
    await third.qstash.idle();
    await expectResult(third, workflowRunId, { eventData: { a: "ä" }, payload: "“p”" });
  });
});

describe("runs that are over", () => {
  it("keep no events that they never waited for", async () => {
    const kept = new Map<string, Map<string, Buffer>>();
    const rig = await startWorkflow({ waiter }, { front: { storage: keptStorage(kept) } });
    const runId = await rig.run("waiter");
    await rig.client.notify({ eventId: "then", workflowRunId: runId });
    expect(kept.get("workflow-events")?.size).toBe(1);
    await rig.client.cancel(runId);
    expect(kept.get("workflow-events")?.size).toBe(0);
  });

  it("are forgotten beyond a limit, the first to end first, with all that belonged to them", async () => {
    const fails = createWorkflow(async (context: WorkflowContext<string>) => {
      await context.run("fail", () => {
        throw new WorkflowNonRetryableError("no");
      });
    });
    const rig = await start({ fails });
    const endMany = async (count: number) => {
      await rig.client.trigger(Array.from({ length: count }, () => ({ url: rig.urlOf("fails"), delay: 1 })));
      expect(await rig.client.cancel({ all: true, count })).toEqual({ cancelled: count });
    };
    await rig.run("fails", { workflowRunId: "first" });
    await endMany(999);
    const { dlqId, workflowState } = await rig.log("wfr_first");
    expect(workflowState).toBe("RUN_FAILED");
    await endMany(1);
    expect((await rig.client.logs({ workflowRunId: "wfr_first" })).runs).toEqual([]);
    expect((await rig.qstash.call("GET", `/v2/workflows/dlq/${dlqId}`)).status).toBe(404);
    expect((await rig.client.dlq.list()).messages).toEqual([]);
  });
});
