/**
 * Workflows inside workerd. Wrangler's test harness bundles the Worker as a deployment does and listens on a real port, which
 * the stack needs to deliver to; a test inside of workerd (test/workerd) has none.
 */
import path from "node:path";
import { Client } from "@upstash/workflow";
import { describe, expect, it, onTestFinished } from "vitest";
import { createTestHarness } from "wrangler";
import { LOCAL_CREDENTIALS } from "../../stack/credentials.ts";
import { at, startDestination, startQstash } from "./qstash-rig.ts";

const { qstashToken: token, currentSigningKey, nextSigningKey } = LOCAL_CREDENTIALS;

async function startWorker() {
  const qstash = await startQstash("frozen", undefined, { token, currentSigningKey, nextSigningKey });
  const worker = createTestHarness({
    root: path.resolve("."),
    workers: [
      {
        config: {
          name: "workflows",
          main: path.resolve("test/support/workflow-in-workerd/worker.ts"),
          compatibility_date: "2026-11-09",
          vars: {
            QSTASH_URL: qstash.url,
            QSTASH_TOKEN: token,
            QSTASH_CURRENT_SIGNING_KEY: currentSigningKey,
            QSTASH_NEXT_SIGNING_KEY: nextSigningKey,
          },
        },
      },
    ],
  });
  const { url } = await worker.listen();
  onTestFinished(() => worker.close());
  const client = new Client({ baseUrl: qstash.url, token, enableTelemetry: false, devMode: false });
  return { qstash, client, urlOf: (name: string) => new URL(`/workflows/${name}`, url).href };
}

/** As far as the end of the run, with everything that it waits for. */
async function runParent(isBroken: boolean) {
  const rig = await startWorker();
  const { client, qstash } = rig;
  const other = await startDestination();
  other.answer(({ body }) => ({ status: 200, headers: { "content-type": "text/plain" }, body: `${body}: answer` }));
  const body = { url: other.url, isBroken };
  const { workflowRunId } = await client.trigger({ url: rig.urlOf("parent"), body, retries: 0 });
  await qstash.idle();
  await qstash.clock.advance(3_600_000);
  await client.notify({ eventId: "go", eventData: { from: "outside" } });
  await qstash.idle();
  const { runs } = await client.logs({ workflowRunId });
  return { ...rig, log: at(runs, 0), counts: qstash.ledger.read().byUrl, otherUrl: other.url };
}

describe("workflows in workerd", () => {
  it("run steps side by side, call, sleep, wait and invoke, delivered as often as in Node", async () => {
    const { log, counts, urlOf, otherUrl } = await runParent(false);
    expect(log.workflowState).toBe("RUN_SUCCESS");
    expect(JSON.parse(log.workflowRunResponse ?? "null")).toEqual({
      sum: 3,
      called: "question: answer",
      eventData: { from: "outside" },
      invoked: "hello!",
    });
    expect(counts).toEqual({
      // The payload, two plans and two results, the answer and the result of the call, the sleep, the event, the child, the end.
      [urlOf("parent")]: 1 + 4 + 2 + 1 + 1 + 1 + 1,
      [urlOf("child")]: 2,
      [otherUrl]: 1,
    });
  });

  it("are told of their failures", async () => {
    const { log } = await runParent(true);
    expect(log).toMatchObject({
      workflowState: "RUN_FAILED",
      failureFunction: { state: "CALLBACK_SUCCESS", failStatus: 500, responseBody: '{"result":"told: broken"}' },
    });
  });
});
