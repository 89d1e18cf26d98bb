/**
 * `POST /v2/trigger/{url}` and `POST /v2/batch/trigger`: a run for callers without the SDK, who say only what they want to
 * configure; what belongs to the protocol is filled in here. Source: protocol document, C.2.
 */
import { readItems, takeItems } from "../qstash/batch-items.ts";
import { readDestination } from "../qstash/destination.ts";
import type { Options } from "../qstash/publish-options.ts";
import { splitDestination } from "../qstash/request-destination.ts";
import type { Resource } from "../qstash/route.ts";
import { readRunId } from "./run-options.ts";
import { newRunId } from "./run-retries.ts";
import type { Runs } from "./runs.ts";

interface TriggerAnswer {
  workflowRunId: string;
  workflowCreatedAt: number;
  deduplicated?: true;
}

export function createTriggerResource(runs: Runs): Resource {
  function trigger(o: { destination: string; options: Options; body: Buffer; callerIp: string }): TriggerAnswer {
    const url = readDestination(o.destination);
    const runId = readRunId(o.options["upstash-workflow-runid"] ?? newRunId());
    const { run, isRepetition } = runs.start({
      runId,
      url,
      options: completed(o.options, url),
      body: o.body,
      callerIp: o.callerIp,
      proof: "Upstash-Workflow-Sdk",
    });
    return {
      workflowRunId: run.runId,
      workflowCreatedAt: run.createdAtMs,
      ...(isRepetition && { deduplicated: true as const }),
    };
  }

  return (request) => {
    const { method, path, headers, body, callerIp } = request;
    if (method !== "POST") return undefined;
    if (path === "batch/trigger") {
      const answers = takeItems(readItems(body), (item) => trigger({ ...item, callerIp }));
      return { status: 200, value: answers };
    }
    if (!path.startsWith("trigger/")) return undefined;
    const { destination, options } = splitDestination(request, path.slice("trigger/".length));
    return { status: 200, value: trigger({ destination, options: { ...headers, ...options }, body, callerIp }) };
  };
}

const forwardPrefix = "upstash-forward-";
const failurePrefix = "upstash-failure-callback";

/** Unless a callback for failures is named, the workflow itself is told, which may have a failure function. */
function completed(given: Options, url: string): Options {
  const isUnknownSdk = given["upstash-workflow-unknown-sdk"] === "true";
  const label = given["upstash-label"];
  const forwarded = {
    ...Object.fromEntries(Object.entries(given).filter(([name]) => isUsers(name))),
    ...(label !== undefined && { [`${forwardPrefix}upstash-label`]: label }),
  };
  const toFailure = Object.entries(forwarded).map(([name, value]) => [
    `${failurePrefix}-forward-${name.slice(forwardPrefix.length)}`,
    value,
  ]);
  return {
    [failurePrefix]: url,
    ...Object.fromEntries(toFailure),
    ...given,
    ...forwarded,
    "upstash-workflow-url": url,
    // An SDK that is not known shall not take the delivery for one that it can read: it triggers itself, see runs.ts.
    ...(isUnknownSdk
      ? { [`${forwardPrefix}upstash-workflow-unknown-sdk`]: "true" }
      : { [`${forwardPrefix}upstash-workflow-sdk-version`]: "1" }),
    [`${failurePrefix}-forward-upstash-workflow-is-failure`]: "true",
    [`${failurePrefix}-forward-upstash-workflow-failure-callback`]: "true",
  };
}

function isUsers(name: string): boolean {
  return name.startsWith(forwardPrefix) && !name.startsWith(`${forwardPrefix}upstash-workflow-`);
}
