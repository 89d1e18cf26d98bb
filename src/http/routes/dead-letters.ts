/**
 * What failed for good: the caller's own, or, for operators (`X-Internal-Key`), everybody's.
 *
 * Retrying and removing are safe to repeat: what is done already is 404.
 */
import { Hono, type Context } from "hono";
import { createMiddleware } from "hono/factory";
import * as z from "zod/mini";
import { AppError } from "../../core/errors.ts";
import { isUserId, newRunId } from "../../core/ids.ts";
import { limits } from "../../core/limits.ts";
import type { Admission } from "../../engine/act-on-run.ts";
import { foldRun } from "../../engine/fold-run.ts";
import { viewRun } from "../../engine/run-view.ts";
import { startQueued } from "../../engine/start-queued.ts";
import {
  removeDeadLetter,
  retryDeadLetter,
  type DeadLetterOutcome,
  type DeadLetterRef,
} from "../../ops/act-on-dead-letter.ts";
import { groupByCause, type Whose } from "../../ops/dead-letter.ts";
import { listDeadLetters } from "../../ops/list-dead-letters.ts";
import { operatorsUserId, redriveDeadLetters } from "../../ops/redrive-run.ts";
import type { AppEnv } from "../app-env.ts";
import { identityOf, requireIdentity } from "../middleware/identity.ts";
import { isOperator } from "../middleware/operator.ts";
import { readJson } from "../read-json.ts";
import { admitAnotherTry } from "../require-needs.ts";
import { readWord } from "../read-query.ts";
import { orBySweep } from "../start-run.ts";
import type { Ops } from "../../wire/ops.ts";

type LettersEnv = AppEnv & { Variables: { whose: Whose } };

export const Redrive = z.strictObject({
  cause: z.optional(z.string().check(z.minLength(1), z.maxLength(limits.causeCharsMax))),
  perMinute: z.int().check(z.gte(1), z.lte(limits.redrivePerMinuteMax)),
});

/** Mounted at `/api/dead-letters`. */
export function deadLetterRoutes() {
  return new Hono<LettersEnv>()
    .use("*", ownerOrOperator())
    .get("/", list)
    .post("/redrive", redrive)
    .get("/redrives/:runId", redriven)
    .post("/:letterId/retry", async (c) =>
      answer(c, await retryDeadLetter(await opsOf(c), { ...refOf(c), ...admissionOf(c) })),
    )
    .delete("/:letterId", async (c) => {
      const isUndoing = readWord(c, "compensate", ["true", "false"]) === "true";
      return answer(c, await removeDeadLetter(await opsOf(c), { ...refOf(c), isUndoing }));
    });
}

function ownerOrOperator() {
  const owner = requireIdentity();
  return createMiddleware<LettersEnv>(async (c, next) => {
    if (await isOperator(c.req.header("X-Internal-Key"), c.get("wire"))) {
      c.set("whose", "all");
      return next();
    }
    return owner(c as unknown as Context<AppEnv>, async () => {
      c.set("whose", { userId: identityOf(c as unknown as Context<AppEnv>).userId });
      await next();
    });
  });
}

async function opsOf(c: Context<LettersEnv>): Promise<Ops> {
  return (await c.get("wire").runs()).ops;
}

/** `groups` are those of this page. */
async function list(c: Context<LettersEnv>): Promise<Response> {
  const { letters, next } = await listDeadLetters(await opsOf(c), c.get("whose"), c.req.query("cursor"));
  return c.json({ groups: groupByCause(letters), letters, ...(next === undefined ? {} : { next }) });
}

async function redrive(c: Context<LettersEnv>): Promise<Response> {
  const input = await readJson(c, Redrive);
  const { engine } = await opsOf(c);
  const ref = { userId: ownerOf(c), runId: newRunId(engine.random) };
  await orBySweep(c.get("log"), ref, startQueued(engine, { ref, definition: redriveDeadLetters, input }));
  c.header("Location", `/api/dead-letters/redrives/${ref.runId}`);
  return c.json({ runId: ref.runId }, 202);
}

async function redriven(c: Context<LettersEnv>): Promise<Response> {
  const runId = c.req.param("runId") ?? "";
  const ref = { userId: ownerOf(c), runId };
  const view = viewRun(runId, foldRun(await (await opsOf(c)).engine.journal.read(ref, 0)).state);
  if (view?.definition !== redriveDeadLetters.name) throw new AppError("not_found", "There is no such redrive.");
  return c.json(view);
}

/** Whose redrives these are. */
function ownerOf(c: Context<LettersEnv>): string {
  const whose = c.get("whose");
  return whose === "all" ? operatorsUserId : whose.userId;
}

/** Operators name the owner of a run by `?userId=`. */
function refOf(c: Context<LettersEnv>): DeadLetterRef {
  const userId = c.req.query("userId");
  return { whose: c.get("whose"), id: c.req.param("letterId") ?? "", ...(isUserId(userId) ? { userId } : {}) };
}

/** An operator may retry everything. */
function admissionOf(c: Context<LettersEnv>): { admit?: Admission } {
  return c.get("whose") === "all" ? {} : { admit: admitAnotherTry(c as unknown as Context<AppEnv>) };
}

function answer(c: Context, outcome: DeadLetterOutcome): Response {
  switch (outcome.kind) {
    case "done":
      return c.body(null, 204);
    case "unknown":
      throw new AppError("not_found", "There is no such dead letter.");
    case "refused":
      throw new AppError("run_refused", outcome.reason);
  }
}
