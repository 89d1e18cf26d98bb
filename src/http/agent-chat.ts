/** Agents in a chat: a message starts a run, which is shown as the answer; approvals come back as parts of that answer. */
import type { Context } from "hono";
import { agentLimits, anyAgent } from "../agent/run/agent.ts";
import { agentRun } from "../agent/run/agent-run.ts";
import { approvalSignal, parseApprovalId } from "../agent/run/approval-id.ts";
import { followRunAsChat } from "../agent/run/follow-as-chat.ts";
import { AppError } from "../core/errors.ts";
import { derivedRunId, newRunId } from "../core/ids.ts";
import { actOnRun } from "../engine/act-on-run.ts";
import { foldRun } from "../engine/fold-run.ts";
import { runEvents } from "../engine/follow-run.ts";
import type { RunRef } from "../engine/journal.ts";
import type { RunState } from "../engine/run-state.ts";
import { startInline } from "../engine/start-inline.ts";
import type { ConversationRef } from "../event/event-log.ts";
import type { UserText } from "../event/turn-event.ts";
import type { AppEnv } from "./app-env.ts";
import { createFrameStream } from "./frame-stream.ts";
import { InvalidBody } from "./invalid-body.ts";
import { revive } from "./revive.ts";
import { keepAlive } from "./start-run.ts";
import { respondWithUi } from "./ui-response.ts";

export interface AgentTurnRequest {
  readonly ref: ConversationRef;
  readonly message: UserText;
  readonly agentId: string;
  /** True to start another run for a message that has had one. */
  readonly isRegeneration: boolean;
}

/** A message id starts one run: repeated, it shows the run that is there. @throws not_found, bad_request (refuse) */
export async function startAgentTurn(c: Context<AppEnv>, request: AgentTurnRequest): Promise<Response> {
  const { ref, message, agentId, isRegeneration } = request;
  const { userId, conversationId } = ref;
  if (message.text.length > agentLimits.goalCharsMax) {
    const detail = `must have at most ${agentLimits.goalCharsMax} characters for an agent`;
    throw new InvalidBody([{ pointer: "/messages/-1/parts", detail }]);
  }
  const { agents, engine } = await c.get("wire").runs();
  const agent = agentId === anyAgent.id ? anyAgent : await agents.recent(userId, agentId);
  if (agent === undefined) throw new AppError("not_found", "There is no such agent.");
  const runId = isRegeneration
    ? newRunId(engine.random)
    : await derivedRunId(`chat ${userId} ${conversationId} ${message.id}`);
  const run = { userId, runId };
  const input = { agent, goal: message.text, messageId: message.id };
  const { state, segment } = await startInline(engine, { ref: run, definition: agentRun, input, conversationId });
  const ended = segment && keepAlive(c, runId, segment);
  if (ended === undefined) await revive(c, run, state);
  return show(c, run, { after: -1, last: state.places - 1 }, ended);
}

export interface ApprovalAnswer {
  readonly id: string;
  readonly approved: boolean;
  readonly reason?: string | undefined;
}

/** Hands the answers to the run that asked, and shows how it goes on. @throws not_found (refuse) */
export async function answerApprovals(
  c: Context<AppEnv>,
  userId: string,
  answers: readonly ApprovalAnswer[],
): Promise<Response> {
  const asked = answers.flatMap(({ id, ...answer }) => {
    const of = parseApprovalId(id);
    return of === undefined ? [] : [{ ...of, answer }];
  });
  const [first] = asked;
  if (first === undefined || asked.some(({ runId }) => runId !== first.runId)) throw noSuchApproval();
  const run = { userId, runId: first.runId };
  const { engine } = await c.get("wire").runs();
  const entries = await engine.journal.read(run, 0);
  if (entries.length === 0) throw noSuchApproval();
  for (const { stepId, answer } of asked) {
    const name = approvalSignal(stepId);
    // A run that is over refuses; the reader is shown its end.
    await actOnRun(engine, run, { kind: "signal", id: name, name, payload: { ...answer } });
  }
  const events = runEvents(entries);
  const steps = new Set(asked.map(({ stepId }) => stepId));
  const request = events.find(({ type, data }) => type === "approval-requested" && steps.has(stepIdOf(data)));
  return show(c, run, { after: request?.place ?? -1, last: (events.at(-1)?.place ?? -1) + 1 });
}

function stepIdOf(data: { readonly [name: string]: unknown }): string {
  return String((data["payload"] as { stepId?: unknown } | undefined)?.stepId);
}

/** Shows the newest agent's run of the conversation that is not over, from its beginning; `undefined` when there is none. */
export async function resumeAgentTurn(c: Context<AppEnv>, ref: ConversationRef): Promise<Response | undefined> {
  const found = await newestRun(c, ref);
  if (found === undefined) return undefined;
  await revive(c, found.run, found.state);
  return show(c, found.run, { after: -1, last: found.last });
}

/** Cancels the agents' runs of the conversation, which undoes what they did. False when there is none. */
export async function stopAgentTurns(c: Context<AppEnv>, ref: ConversationRef): Promise<boolean> {
  const { activeRuns, engine } = await c.get("wire").runs();
  const acts = (await activeRuns(ref)).map((runId) =>
    actOnRun(engine, { userId: ref.userId, runId }, { kind: "cancel", reason: "stopped by the user", isUndoing: true }),
  );
  return (await Promise.all(acts)).some(({ kind }) => kind === "done");
}

async function newestRun(
  c: Context<AppEnv>,
  ref: ConversationRef,
): Promise<{ readonly run: RunRef; readonly state: RunState; readonly last: number } | undefined> {
  const { activeRuns, engine } = await c.get("wire").runs();
  const runs = (await activeRuns(ref)).map((runId) => ({ userId: ref.userId, runId }));
  if (runs.length === 0) return undefined;
  const journals = await engine.journal.readMany(runs);
  const index = journals.findLastIndex((entries = []) => foldRun(entries).state.started?.definition === agentRun.name);
  if (index < 0) return undefined;
  const entries = journals[index]!;
  return { run: runs[index]!, state: foldRun(entries).state, last: runEvents(entries).at(-1)?.place ?? -1 };
}

/** @param ended when the segment that this request runs has ended, the price of which stands in the answer's last line. */
async function show(
  c: Context<AppEnv>,
  run: RunRef,
  o: { readonly after: number; readonly last: number },
  ended?: Promise<void>,
): Promise<Response> {
  const stream = createFrameStream();
  const { followRun, engine } = await c.get("wire").runs();
  const watch = {
    clock: engine.clock,
    onSilence: (of: RunRef, state: RunState): Promise<void> => revive(c, of, state),
  };
  const followed = followRunAsChat({ ...followRun, watch }, run, { ...o, sink: stream, signal: c.req.raw.signal });
  return respondWithUi(
    c,
    stream,
    followed.then(() => ended),
  );
}

function noSuchApproval(): AppError {
  return new AppError("not_found", "There is no such approval to answer.");
}
