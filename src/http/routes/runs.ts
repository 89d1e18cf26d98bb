/** The caller's runs: looking at them and acting on them. */
import { Hono, type Context } from "hono";
import * as z from "zod/mini";
import { actOnRun, type ActOutcome, type RunAct } from "../../engine/act-on-run.ts";
import { AppError } from "../../core/errors.ts";
import { isRunId, newRunId } from "../../core/ids.ts";
import { asJson } from "../../core/json.ts";
import { limits } from "../../core/limits.ts";
import { isSignalName } from "../../engine/create-context.ts";
import { foldRun } from "../../engine/fold-run.ts";
import { forkRun } from "../../engine/fork-run.ts";
import type { RunRef } from "../../engine/journal.ts";
import { parseEntry } from "../../engine/journal-entry.ts";
import { exportRun } from "../../engine/run-file.ts";
import type { RunState } from "../../engine/run-state.ts";
import { viewCompensation, viewMemory, viewReceipt, viewRun } from "../../engine/run-view.ts";
import type { AppEnv } from "../app-env.ts";
import { InvalidBody } from "../invalid-body.ts";
import { identityOf, requireIdentity } from "../middleware/identity.ts";
import { invalidBody, readJson, readOptionalJson } from "../read-json.ts";
import { admitAnotherTry, requireNeeds } from "../require-needs.ts";
import { revive } from "../revive.ts";
import { orBySweep } from "../start-run.ts";
import { listRuns } from "./run-list.ts";
import { runEventStream } from "./run-events.ts";

export const Empty = z.strictObject({});
export const Cancel = z.strictObject({
  reason: z.optional(z.string().check(z.maxLength(500))),
  /** Whether what was done is undone; true without it. */
  compensate: z.optional(z.boolean()),
});
export const Signal = z.strictObject({
  name: z.string().check(z.refine(isSignalName)),
  /** Names the signal, so that sending it twice counts once. */
  id: z.optional(z.string().check(z.minLength(1), z.maxLength(128))),
  payload: z.optional(z.unknown()),
});
export const Fork = z.strictObject({
  steps: z.int().check(z.gte(0), z.lte(limits.runStepsMax)),
  input: z.optional(z.unknown()),
  /** True to run the steps that write, too. */
  allowWrites: z.optional(z.boolean()),
});

/** Mounted at `/api/runs`. */
export function runRoutes() {
  return new Hono<AppEnv>()
    .use("*", requireIdentity())
    .get("/", listRuns)
    .get("/:runId", one)
    .get("/:runId/journal", journal)
    .get("/:runId/events", (c) => runEventStream(c, refOf(c)))
    .get("/:runId/receipt", async (c) => c.json(viewReceipt(refOf(c).runId, await stateOf(c))))
    .get("/:runId/compensation", async (c) => c.json({ steps: viewCompensation(await stateOf(c)) }))
    .get("/:runId/memory", memory)
    .get("/:runId/file", file)
    .post("/:runId/cancel", async (c) => {
      const { reason = "cancelled by its owner", compensate = true } = await readOptionalJson(c, Cancel);
      return act(c, { kind: "cancel", reason, isUndoing: compensate });
    })
    .post("/:runId/pause", async (c) => act(c, { kind: "pause", ...(await readOptionalJson(c, Empty)) }))
    .post("/:runId/resume", async (c) => again(c, "resume"))
    .post("/:runId/retry", async (c) => again(c, "retry"))
    .post("/:runId/compensate", async (c) => act(c, { kind: "compensate", ...(await readOptionalJson(c, Empty)) }))
    .post("/:runId/signal", signal)
    .post("/:runId/fork", fork);
}

/** @throws not_found (refuse) for what cannot be a run of ours. */
function refOf(c: Context<AppEnv>): RunRef {
  const runId = c.req.param("runId");
  if (!isRunId(runId)) throw notFound();
  return { userId: identityOf(c).userId, runId };
}

async function entriesOf(c: Context<AppEnv>): Promise<readonly string[]> {
  const entries = await (await c.get("wire").runs()).engine.journal.read(refOf(c), 0);
  if (entries.length === 0) throw notFound();
  return entries;
}

async function stateOf(c: Context<AppEnv>): Promise<RunState> {
  return foldRun(await entriesOf(c)).state;
}

async function one(c: Context<AppEnv>): Promise<Response> {
  const ref = refOf(c);
  const state = await stateOf(c);
  await revive(c, ref, state);
  return c.json(viewRun(ref.runId, state));
}

/** A page of the journal, as it was written; entries that do not count are in it too. */
async function journal(c: Context<AppEnv>): Promise<Response> {
  const entries = await entriesOf(c);
  const from = Number(c.req.query("from") ?? 0);
  if (!Number.isSafeInteger(from) || from < 0)
    throw new AppError("invalid_cursor", "`from` must be a place in the journal.");
  const page = entries.slice(from, from + limits.journalPageMax).map((text) => parseEntry(text) ?? null);
  const next = from + page.length < entries.length ? { next: from + page.length } : {};
  return c.json({ entries: page, ...next });
}

async function file(c: Context<AppEnv>): Promise<Response> {
  const { runId } = refOf(c);
  c.header("Content-Disposition", `attachment; filename="${runId}.json"`);
  return c.json(exportRun(runId, await entriesOf(c), c.get("wire").clock.now()));
}

async function memory(c: Context<AppEnv>): Promise<Response> {
  const values = viewMemory(await stateOf(c), c.get("wire").clock.now());
  if (values === undefined) throw new AppError("not_found", "The memory of a run is gone an hour after its end.");
  return c.json({ memory: values });
}

async function signal(c: Context<AppEnv>): Promise<Response> {
  const { name, id, payload } = await readJson(c, Signal, { bytesMax: limits.signalPayloadBytesMax });
  const signalId = id ?? (await c.get("wire").runs()).engine.random.uuid();
  return act(c, { kind: "signal", id: signalId, name, payload: asJson(payload)?.value });
}

async function fork(c: Context<AppEnv>): Promise<Response> {
  const { steps, input, allowWrites = false } = await readJson(c, Fork, { bytesMax: limits.runInputBytesMax });
  const { engine } = await c.get("wire").runs();
  const source = refOf(c);
  const { started } = await stateOf(c);
  const definition = started && engine.registry.get(started.definition, started.version);
  if (definition === undefined)
    throw new AppError("unknown_definition", "This build does not have the definition of that run.");
  if (definition.isInternal === true && input !== undefined) throw new InvalidBody([inputIsKept]);
  await requireNeeds(c, definition);
  const parsed = z.safeParse(definition.input, input ?? started?.input);
  if (!parsed.success) throw invalidBody(parsed.error.issues, "/input");
  const ref = { userId: source.userId, runId: newRunId(engine.random) };
  const request = { source, ref, definition, steps, input: parsed.data, isDry: !allowWrites };
  const outcome = await orBySweep(c.get("log"), ref, forkRun(engine, request));
  if (outcome?.kind === "unknown") throw notFound();
  if (outcome?.kind === "refused") throw new AppError("run_refused", outcome.reason);
  c.header("Location", `/api/runs/${ref.runId}`);
  return c.json({ runId: ref.runId }, 202);
}

const inputIsKept = {
  pointer: "/input",
  detail: "cannot be changed in a run that is not started by the name of its definition",
};

async function again(c: Context<AppEnv>, kind: "resume" | "retry"): Promise<Response> {
  await readOptionalJson(c, Empty);
  return act(c, { kind, admit: admitAnotherTry(c) });
}

async function act(c: Context<AppEnv>, asked: RunAct): Promise<Response> {
  const outcome: ActOutcome = await actOnRun((await c.get("wire").runs()).engine, refOf(c), asked);
  if (outcome.kind === "unknown") throw notFound();
  if (outcome.kind === "refused") throw new AppError("run_refused", outcome.reason);
  return c.json({ accepted: true, isRepeated: outcome.kind === "repeated" }, 202);
}

function notFound(): AppError {
  return new AppError("not_found", "There is no such run.");
}
