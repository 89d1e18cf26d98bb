/** Requests that the queue makes for a run. */
import { describe, expect, it } from "vitest";
import { AppError } from "../../src/core/errors.ts";
import { actOnRun } from "../../src/engine/act-on-run.ts";
import type { CallPort } from "../../src/engine/engine-parts.ts";
import type { CallRequest } from "../../src/engine/run-context.ts";
import { noCalls } from "../../src/system/fetch-queue.ts";
import { createEngineRig } from "../support/engine-rig.ts";
import { everyWay } from "../support/every-way.ts";
import { playRun, runOf } from "../support/play-run.ts";

const request: CallRequest = { url: "https://there.test/", body: { question: 1 } };
const calling = (of: CallRequest = request) => runOf((ctx) => ctx.call("ask", of));

describe("a call", () => {
  it("answers with status and body, however the run is cut while it waits", async () => {
    await everyWay({ definitions: [calling()] }, ({ state }) => {
      expect(state).toMatchObject({ status: "completed", output: { status: 200, body: "https://there.test/" } });
    });
  });

  it("is given to the queue with the signal that brings its answer, and no segment waits for it", async () => {
    const runs = calling();
    const rig = createEngineRig([runs]);
    const ref = await rig.start(runs);
    expect(rig.calls).toEqual([{ ref: { ...ref }, step: "ask", signal: "$call ask", request }]);
    expect(rig.state(ref)).toMatchObject({ status: "waiting", holder: undefined });
    const payload = { status: 503, body: "busy" };
    await actOnRun(rig.parts(), ref, { kind: "signal", id: "call:$call ask", name: "$call ask", payload });
    await rig.deliverOne();
    expect(rig.state(ref)).toMatchObject({ status: "completed", output: payload });
  });

  it("that two steps make is answered to each by a signal of its own", async () => {
    const runs = runOf(async (ctx) => {
      const answers = await ctx.all([ctx.call("ask", request), ctx.call("ask", { url: "https://other.test/" })]);
      return answers.map(({ body }) => body);
    });
    await everyWay({ definitions: [runs] }, ({ state }) => {
      expect(state.output).toEqual(["https://there.test/", "https://other.test/"]);
    });
  });

  it("whose answer never comes fails after all attempts of the queue and an hour for each", async () => {
    const runs = calling({ ...request, timeout: "10m", retries: 2 });
    const rig = createEngineRig([runs]);
    const ref = await rig.start(runs);
    expect(rig.state(ref).wakesAtMs).toBe(rig.clock.now() + 3 * (600_000 + 3_600_000));
    await rig.deliverAll();
    expect(rig.state(ref)).toMatchObject({ status: "failed", failure: { code: "answer_lost" } });
  });

  const withPort = async (send: CallPort["send"]) => {
    const runs = calling();
    const rig = createEngineRig([runs]);
    const ref = { userId: "usr_1", runId: "run_1" };
    const outcome = await rig.start(runs, {}, { calls: { send } }).then(
      (started) => rig.state(started).status,
      (error: unknown) => error,
    );
    return { outcome, ref, rig };
  };

  it("fails where there is no queue that can make it", async () => {
    expect((await withPort(noCalls.send)).outcome).toBe("failed");
  });

  it("parks the run when the queue refuses our token, and breaks the segment off when it does not answer", async () => {
    const refused = await withPort(() => Promise.reject(new AppError("misconfigured", "no such token")));
    expect(refused.outcome).toBe("parked");
    const lost = await withPort(() => Promise.reject(new AppError("queue_unavailable", "no answer")));
    expect(lost.outcome).toMatchObject({ code: "queue_unavailable" });
  });

  it("may be caught when it fails", async () => {
    const runs = runOf((ctx) => ctx.call("ask", request).catch((error: Error) => error.name));
    const rig = createEngineRig([runs]);
    const ref = await rig.start(runs, {}, { calls: noCalls });
    expect(rig.state(ref)).toMatchObject({ status: "completed", output: "StepFailed" });
  });
});

describe("many calls at once", () => {
  it("are sent 24 at a time", async () => {
    const runs = runOf((ctx) => ctx.all(Array.from({ length: 60 }, () => ctx.call("ask", request))));
    const { state } = await playRun({ definitions: [runs] });
    expect(state.settled).toHaveLength(60);
  });
});
