/** The filters over runs and over their dead letters; see qstash/filters.ts. Source: protocol document, C.8 and C.9. */
import { ApiError } from "../qstash/api-error.ts";
import { readFilterOf, type Facts } from "../qstash/filters.ts";
import type { Run, RunDeadLetter } from "./run.ts";
import { labelsOf, type StepGroup } from "./run-log.ts";

type IsWanted<Entry> = (entry: Entry) => boolean;

const runFacts: Facts<Run> = {
  workflowRunId: (run) => [run.runId],
  workflowRunIds: (run) => [run.runId],
  workflowUrl: (run) => [run.url],
  workflowCreatedAt: (run) => [String(run.createdAtMs)],
  label: labelsOf,
  callerIp: (run) => [run.callerIp],
  flowControlKey: (run) => [run.options["upstash-flow-control-key"]],
  host: (run) => [new URL(run.url).host, new URL(run.url).hostname],
  path: (run) => [new URL(run.url).pathname],
};

const sharedNames = [
  "label",
  "callerIp",
  "flowControlKey",
  "fromDate",
  "toDate",
  "workflowUrl",
  "count",
  "qstash_token",
];
const logNames = [...sharedNames, "workflowRunId", "workflowCreatedAt", "host", "path", "state", "messageId", "cursor"];
const cancelNames = [...sharedNames, "workflowRunIds", "workflowUrlExactMatch", "host", "path"];
const letterNames = [
  ...sharedNames,
  "dlqIds",
  "workflowRunId",
  "workflowCreatedAt",
  "failureFunctionState",
  "responseStatus",
  "url",
  "source",
  "cursor",
];

/** `groupsOf` gives the steps of a run, for the filters that look at steps. @throws ApiError 400 */
export function readLogFilter(query: URLSearchParams, groupsOf: (run: Run) => StepGroup[]): IsWanted<Run> {
  const stepFacts = (run: Run, name: string) =>
    groupsOf(run).flatMap(({ steps }) => steps.map((step) => String(step[name])));
  return readFilterOf(query, {
    allowed: [...logNames, "groupBy"],
    facts: {
      ...runFacts,
      state: (run) => [run.state, ...stepFacts(run, "state")],
      messageId: (run) => stepFacts(run, "messageId"),
    },
    timeMs: (run) => run.createdAtMs,
  });
}

/** A workflow URL is a prefix, unless the exact match is asked for. @throws ApiError 400 */
export function readCancelFilter(query: URLSearchParams): IsWanted<Run> {
  const exact = query.get("workflowUrlExactMatch") ?? "false";
  if (exact !== "true" && exact !== "false") throw new ApiError(400, `invalid workflowUrlExactMatch: ${exact}`);
  const { workflowUrl: _, ...otherFacts } = runFacts;
  const facts = exact === "true" ? runFacts : otherFacts;
  const isWanted = readFilterOf(query, { allowed: cancelNames, facts, timeMs: (run) => run.createdAtMs });
  if (exact === "true" || !query.has("workflowUrl")) return isWanted;
  // A comma is one of the URL unless a URL follows: half of a URL as a prefix would cancel more than was asked for.
  const prefixes = query.getAll("workflowUrl").flatMap((value) => value.split(/,(?=https?:\/\/)/));
  return (run) => isWanted(run) && prefixes.some((prefix) => run.url.startsWith(prefix));
}

/** `runOf` gives the run of a dead letter. @throws ApiError 400 */
export function readLetterFilter(
  query: URLSearchParams,
  runOf: (letter: RunDeadLetter) => Run | undefined,
): IsWanted<RunDeadLetter> {
  const ofRun = Object.entries(runFacts).map(([name, fact]) => {
    const letterFact = (letter: RunDeadLetter) => {
      const run = runOf(letter);
      return run === undefined ? [] : fact(run);
    };
    return [name, letterFact] as const;
  });
  return readFilterOf(query, {
    allowed: letterNames,
    facts: {
      ...Object.fromEntries(ofRun),
      dlqIds: ({ dlqId }) => [dlqId],
      url: ({ message }) => [message.url],
      responseStatus: ({ outcome }) => [String(outcome.status)],
      failureFunctionState: (letter) => [runOf(letter)?.failureCall?.state],
    },
    timeMs: ({ failedAtMs }) => failedAtMs,
  });
}
